import { expect, test } from 'vitest';
import { createRedactor } from '../../src/lib/redact.ts';
import { createLogLineMask } from '../../src/runner/log-line-mask.ts';

test('a long line is cut after it was masked, so that no beginning of a secret is left', () => {
  const mask = createLogLineMask(createRedactor(['correct-horse-battery']).redact);

  expect(mask(`${'x'.repeat(3990)}correct-horse-battery`)).toBe(`${'x'.repeat(3990)}***`);
  expect(mask('y'.repeat(10_000))).toBe('y'.repeat(4000));
});

test('private keys are masked line by line, and what moves the cursor goes', () => {
  const mask = createLogLineMask(createRedactor([]).redact);
  const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';

  const shown = ['-----BEGIN PRIVATE KEY-----', body, '-----END PRIVATE KEY-----', '\u001b[2Jok'].map(mask);

  expect(shown.slice(0, 2)).toEqual(['***', '***']);
  expect(shown[3]).toBe('ok');
});
