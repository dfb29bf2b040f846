import { expect, test } from 'vitest';
import { toError } from '../../src/lib/to-error.ts';

test('an error stays itself', () => {
  const error = new RangeError('too far');

  expect(toError(error)).toBe(error);
});

test('a thrown text becomes the message', () => {
  expect(toError('out of paper').message).toBe('out of paper');
});

test.each([[undefined], [null], [42], [{ code: 'E' }]])('%j is kept as the cause', (thrown) => {
  const error = toError(thrown);

  expect(error).toBeInstanceOf(Error);
  expect(error.cause).toBe(thrown);
});
