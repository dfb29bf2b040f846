import { expect, test } from 'vitest';
import { choosePatchPlace } from '../../src/domain/patch-place.ts';

const small = { text: 'a'.repeat(20_000), mayHoldSecret: false, reachesCoordinator: true };
const long = { ...small, text: 'a'.repeat(20_001) };

test.each([
  ['small', small, { kind: 'check_run' }],
  ['small, by way of GitHub alone', { ...small, reachesCoordinator: false }, { kind: 'check_run' }],
  ['long', long, { kind: 'coordinator' }],
  ['long, by way of GitHub alone', { ...long, reachesCoordinator: false }, { kind: 'runner' }],
  [
    'small, with a secret',
    { ...small, mayHoldSecret: true },
    { kind: 'runner', why: 'it may hold a secret.' },
  ],
  ['too large, or not text', { ...small, text: null }, { kind: 'runner' }],
])('a patch that is %s', (_what, patch, place) => {
  expect(choosePatchPlace(patch)).toMatchObject(place);
});
