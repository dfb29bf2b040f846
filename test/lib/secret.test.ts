import { expect, test } from 'vitest';
import { systemRandom } from '../../src/lib/random.ts';
import { createSecret, hashSecret, matchesSecret } from '../../src/lib/secret.ts';

test('a secret is recognised by its hash, and no other one is', () => {
  const secret = createSecret(systemRandom);
  const hash = hashSecret(secret);

  expect(matchesSecret(secret, hash)).toBe(true);
  expect(matchesSecret(createSecret(systemRandom), hash)).toBe(false);
  expect(hash).not.toContain(secret);
});

test('where nothing is kept, nothing matches, not even nothing', () => {
  expect(matchesSecret('', null)).toBe(false);
  expect(matchesSecret(createSecret(systemRandom), null)).toBe(false);
});

test('secrets have 256 bits and fit in a header', () => {
  expect(createSecret(systemRandom)).toMatch(/^[A-Za-z0-9_-]{43}$/);
});
