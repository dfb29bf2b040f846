import { expect, test } from 'vitest';
import { explainBadPattern, toPathMatcher } from '../../src/domain/path-patterns.ts';

test.each([
  ['docs/**', 'docs/a/b.md', true],
  ['docs/**', 'docs', true],
  ['docs/**', 'adocs/a', false],
  ['docs', 'docs/a/b.md', true],
  ['/docs/', 'docs/a', true],
  ['docs', 'src/docs/a', false],
  ['*.md', 'README.md', true],
  ['*.md', 'a/README.md', false],
  ['**/*.md', 'README.md', true],
  ['**/*.md', 'a/b/README.MD', true],
  ['**/test/**', 'a/test/b', true],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/x/y/b', true],
  ['a/**/b', 'a/x/y/c', false],
  ['src/*/index.ts', 'src/a/index.ts', true],
  ['src/*/index.ts', 'src/a/b/index.ts', false],
  ['a?c*e*', 'abcdxef', true],
  ['a?c*e*', 'abcdx', false],
  ['*a*b', 'xaybzb', true],
  ['.env*', '.env.local', true],
  ['**', 'anything/.at/all', true],
])('%s for %s: %s', (pattern, path, expected) => {
  expect(explainBadPattern(pattern)).toBe(null);
  expect(toPathMatcher([pattern])(path)).toBe(expected);
});

test.each([
  ['!docs/**', /must not begin/],
  ['{a,b}/**', /no brackets/],
  ['app/[id]', /no brackets/],
  ['a\\b', /no brackets/],
  ['///', /must name a path/],
  ['../a', /from the root/],
  ['a**/b', /between slashes/],
])('%s is no pattern', (pattern, reason) => {
  expect(explainBadPattern(pattern)).toMatch(reason);
});

test.each([
  [`${'*a'.repeat(90)}b`, 'a'.repeat(4000)],
  [`${'**/*a*/'.repeat(25)}b`, `${'a'.repeat(20)}/`.repeat(190)],
  ['**/'.repeat(60) + 'b', 'a/'.repeat(2000)],
])('neither pattern nor path can make it hang', (pattern, path) => {
  const startedMs = performance.now();

  expect(toPathMatcher([pattern])(path)).toBe(false);
  // A matcher that goes back over its steps takes longer than anybody waits; this one milliseconds.
  expect(performance.now() - startedMs).toBeLessThan(2000);
});
