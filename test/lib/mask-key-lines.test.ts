import { expect, test } from 'vitest';
import { createKeyLineMask } from '../../src/lib/mask-key-lines.ts';

const BODY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';

test('the lines of a private key are masked, also with a prefix and between lines of others; what comes after is not', () => {
  const mask = createKeyLineMask();
  const lines = [
    'cat key.pem',
    '[agent] -----BEGIN RSA PRIVATE KEY-----',
    `[agent] ${BODY}`,
    'ok 1 - adds up',
    `[agent] ${BODY.slice(0, 20)}==`,
    '[agent] -----END RSA PRIVATE KEY-----',
    `sha ${BODY}`,
  ];

  const shown = lines.map(mask);

  expect(shown.join('\n')).toBe(
    [
      'cat key.pem',
      '[agent] -----BEGIN RSA PRIVATE KEY-----',
      '[agent] ***',
      'ok 1 - adds up',
      '[agent] ***',
      '[agent] -----END RSA PRIVATE KEY-----',
      `sha ${BODY}`,
    ].join('\n'),
  );
});

test('a key in one line, and one that never ends, are masked; at last other lines count again', () => {
  const mask = createKeyLineMask();

  expect(mask(`x -----BEGIN PRIVATE KEY-----${BODY}-----END PRIVATE KEY----- y`)).not.toContain(BODY);
  expect(mask(BODY)).toBe(BODY);
  mask('-----BEGIN OPENSSH PRIVATE KEY-----');
  const later = Array.from({ length: 500 }, () => mask(BODY));
  expect(later[0]).toBe('***');
  expect(later.at(-1)).toBe(BODY);
});
