import { expect, test } from 'vitest';
import { didYouMean } from '../../src/lib/did-you-mean.ts';

const KNOWN = ['labels', 'specialties', 'defaults', 'max_turns', 'test'];

test.each([
  ['label', 'labels'],
  ['specialities', 'specialties'],
  ['Defaults', 'defaults'],
  ['default', 'defaults'],
  ['max-turns', 'max_turns'],
  ['tset', 'test'],
  ['tests', 'test'],
  ['banana', null],
  ['x', null],
  ['', null],
])('%j → %j', (word, meant) => {
  expect(didYouMean(word, KNOWN)).toBe(meant);
});
