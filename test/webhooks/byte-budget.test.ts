import { expect, test } from 'vitest';
import { createByteBudget } from '../../src/webhooks/byte-budget.ts';

test('gives no more than there is, and takes back once', () => {
  const budget = createByteBudget(10);

  const first = budget.take(6);
  expect(budget.take(5)).toBeNull();
  first?.release();
  first?.release();

  expect(budget.take(10)).not.toBeNull();
  expect(budget.take(1)).toBeNull();
});
