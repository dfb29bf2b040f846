import { describe, expect, test } from 'vitest';
import { explainBadFolder, toConePatterns, toConeTest } from '../../src/domain/sparse-cone.ts';

test('the patterns are what git itself writes for a cone', () => {
  expect(toConePatterns(['web/app/', 'docs', 'docs/guide', 'web'])).toBe('/*\n!/*/\n/docs/\n/web/\n');
  expect(toConePatterns(['a/b/c', 'a/d'])).toBe('/*\n!/*/\n/a/\n!/a/*/\n/a/b/\n!/a/b/*/\n/a/b/c/\n/a/d/\n');
});

test('files in the folders, in the root and in the folders above are checked out', () => {
  const isThere = toConeTest(['a/b', 'web']);

  expect(['README', 'a/x', 'a/b/x', 'a/b/c/x', 'web/x'].every(isThere)).toBe(true);
  expect(['a/c/x', 'b/x', 'webs/x', 'a/bb/x'].some(isThere)).toBe(false);
});

describe('a folder is a plain name', () => {
  test.each([
    ['web', true],
    ['a b/c.d', true],
    ['web/', true],
    ['', false],
    ['/', false],
    ['/web', false],
    ['../web', false],
    ['a/./b', false],
    ['*', false],
    ['we?', false],
    ['!web', false],
    ['web\n/*', false],
    ['a/ b', false],
  ])('%j: %s', (folder, isGood) => {
    expect(explainBadFolder(folder) === null).toBe(isGood);
  });

  test('and nothing else ever becomes a pattern', () => {
    expect(() => toConePatterns(['web', 'x\n/*'])).toThrow('checkout.sparse');
  });
});
