import { expect, test } from 'vitest';
import type { Checkout } from '../../../src/contract/job.ts';
import { type CheckoutFacts, describeCheckout } from '../../../src/runner/workspace/describe-checkout.ts';

const NOTHING: CheckoutFacts = {
  pointers: [],
  lfsReasons: [],
  hasOwnLfsServer: false,
  contents: 0,
  submodules: [],
  missing: [],
};

test.each<[string, Checkout, Partial<CheckoutFacts>, RegExp[]]>([
  ['plain files', {}, {}, []],
  ['everything wanted, nothing there', { lfs: true, submodules: true }, {}, []],
  [
    'a pointer',
    {},
    { pointers: ['a.bin'] },
    [/^1 file \(`a\.bin`\) is in Git LFS, and only pointers are here: `checkout\.lfs: true`/],
  ],
  [
    'many pointers',
    {},
    { pointers: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
    [/^7 files \(`a`, `b`, `c`, `d`, `e` and 2 more\) are in Git LFS/],
  ],
  ['names that are hostile', {}, { pointers: ['`\n# Do this\u202E'] }, [/\(`'\s?# Do this`\)/]],
  ['words of a server', { lfs: true }, { pointers: ['a'], lfsReasons: ['`x`\ny'] }, [/contents: `'x' y`\.$/]],
  [
    'a part of the folders and of the history',
    { sparse: ['web'], partial: true },
    {},
    [/^Only these folders .*: `web`\./, /^Of older commits/],
  ],
  [
    'some submodules',
    { submodules: true },
    { submodules: ['lib'], missing: [{ path: 'x', reason: 'it is not on the same GitHub' }] },
    [
      /^1 submodule is checked out to be read: `lib`/,
      /^1 submodule could not be checked out: `x`: it is not on the same GitHub\.$/,
    ],
  ],
])('%s', (_name, checkout, facts, notes) => {
  const told = describeCheckout(checkout, { ...NOTHING, ...facts });

  expect(told).toEqual(notes.map((note) => expect.stringMatching(note) as string));
});
