import { expect, test } from 'vitest';
import { toAnnotations } from '../../src/domain/annotations.ts';
import type { Annotation } from '../../src/domain/check-run-content.ts';

const fine: Annotation = {
  path: 'src/cart.js',
  startLine: 7,
  endLine: 7,
  level: 'warning',
  title: 'A rule',
  message: 'Is broken here.',
};

test('hostile text becomes plain and short', () => {
  const message = `\u001b[31m${'x'.repeat(70_000)}`;

  const [made] = toAnnotations([{ ...fine, title: `a\n${'b'.repeat(400)}`, message, endLine: 3 }]);

  expect(made?.title).toMatch(/^a b+…$/);
  expect(made?.title.length).toBeLessThanOrEqual(255);
  expect(made?.message).toMatch(/^x{100,4000}$/);
  expect(made).toMatchObject({ startLine: 7, endLine: 7 });
});

test.each<Partial<Annotation>>([
  { path: '' },
  { path: '/etc/passwd' },
  { path: 'src/../../secrets' },
  { path: 'a\nb' },
  { path: 'x'.repeat(5000) },
  { startLine: 0 },
  { startLine: 1.5 },
  { endLine: 2 ** 40 },
  { message: ' \u0000 ' },
])('%j is left out', (wrong) => {
  expect(toAnnotations([{ ...fine, ...wrong }, fine])).toEqual([fine]);
});

test('there are never more than two requests take', () => {
  expect(toAnnotations(Array.from({ length: 500 }, () => fine))).toHaveLength(100);
});
