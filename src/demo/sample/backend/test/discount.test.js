import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discountedCents } from '../src/discount.js';

test('no discount leaves the price alone', () => {
  assert.equal(discountedCents(2000, 0), 2000);
});

test('a quarter off 20.00 is 15.00', () => {
  assert.equal(discountedCents(2000, 25), 1500);
});

test('more than everything off is refused', () => {
  assert.throws(() => discountedCents(2000, 120), RangeError);
});
