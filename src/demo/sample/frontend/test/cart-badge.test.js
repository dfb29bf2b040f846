import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cartBadge } from '../src/cart-badge.js';

test('one thing is an item', () => {
  assert.equal(cartBadge([{ quantity: 1 }]), '1 item');
});

test('several things are items', () => {
  assert.equal(cartBadge([{ quantity: 2 }, { quantity: 3 }]), '5 items');
});

test('an empty cart says so', () => {
  assert.equal(cartBadge([]), 'empty');
});
