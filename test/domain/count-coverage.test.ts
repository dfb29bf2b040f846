import { expect, test } from 'vitest';
import { countCoverage } from '../../src/domain/count-coverage.ts';

const ran = new Map([
  [
    'a',
    new Map([
      [1, true],
      [2, false],
      [3, true],
      [9, false],
    ]),
  ],
  ['b', new Map([[1, true]])],
]);

test('counts changed lines that a report knows, and puts what nothing ran first', () => {
  const changed = [
    { path: 'b', lines: [1, 2] },
    { path: 'a', lines: [1, 2, 3, 4] },
    { path: 'README.md', lines: [1] },
  ];

  expect(countCoverage(changed, ran)).toEqual({
    covered: 3,
    lines: 4,
    files: [
      { path: 'a', covered: 2, lines: 3 },
      { path: 'b', covered: 1, lines: 1 },
    ],
  });
});

test('says nothing where no report knows a changed line', () => {
  expect(countCoverage([{ path: 'b', lines: [7] }], ran)).toBe(null);
});
