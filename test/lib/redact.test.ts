import { Buffer } from 'node:buffer';
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRedactor } from '../../src/lib/redact.ts';

const SECRET = 'tr0ub4dor&3/+=x';

test('masks a value wherever it stands, and leaves the rest alone', () => {
  const { redact } = createRedactor([SECRET]);

  expect(redact(`a ${SECRET} b ${SECRET}${SECRET} c`)).toBe('a *** b *** c');
  expect(redact('nothing to hide')).toBe('nothing to hide');
});

test.each([
  ['in a URL', `https://x:${encodeURIComponent(SECRET)}@host/`],
  ['in JSON', JSON.stringify({ value: 'quote"and\\slash' })],
  ['as Basic credentials', `Basic ${Buffer.from(`x-access-token:${SECRET}`).toString('base64')}`],
  ['in base64', Buffer.from(SECRET).toString('base64')],
  ['in base64url', Buffer.from(SECRET).toString('base64url')],
])('masks it %s', (_where, text) => {
  const redacted = createRedactor([SECRET, 'quote"and\\slash']).redact(text);

  expect(redacted).toContain('***');
  expect(redacted.replaceAll('***', '').length).toBeLessThanOrEqual(text.length - 12);
});

test('overlapping secrets leave no rest', () => {
  expect(createRedactor(['abcdefgh', 'efghijkl']).redact('<abcdefghijkl>')).toBe('<***>');
  expect(createRedactor(['abcdef', 'abcdefghij']).redact('<abcdefghij>')).toBe('<***>');
});

test('a value too short to be a secret is left alone', () => {
  expect(createRedactor(['', 'abc', 'true']).redact('abc is true')).toBe('abc is true');
});

test('a secret that is added later is masked from then on, also in open streams', () => {
  const redactor = createRedactor([]);
  const stream = redactor.redactStream();

  redactor.add('fresh-token-1');

  expect(redactor.redact('fresh-token-1')).toBe('***');
  expect(stream.push('fresh-') + stream.push('token-1') + stream.end()).toBe('***');
});

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

/** Built from parts, so that nothing here looks like a leaked secret to a scanner. */
const TOKENS: [string, string][] = [
  ['an installation token', `ghs_${'a1B2'.repeat(9)}`],
  ['an installation token with dots', `ghs_${'a1'.repeat(10)}.${'b2'.repeat(40)}.${'c3'.repeat(30)}`],
  ['a personal token', `ghp_${'a1B2'.repeat(9)}`],
  ['a fine-grained token', `github_pat_${'a1B2'.repeat(5)}_${'c'.repeat(59)}`],
  ['the key of a runner', `ymk_${'a1B-'.repeat(11)}`],
  ['a model key', `sk-ant-${'api03-a_B-'.repeat(5)}`],
  ['a cloud key id', `AKIA${'ABCD1234'.repeat(2)}`],
  ['a private key', privateKey.trim()],
  ['a private key in JSON', JSON.stringify(privateKey.trim()).slice(1, -1)],
  ['half a private key', privateKey.slice(0, 700).trimEnd()],
];

test.each(TOKENS)('knows %s by its shape', (_name, token) => {
  expect(createRedactor([]).redact(`before "${token}" after`)).toBe('before "***" after');
});

test('the lines of a secret with several lines are masked one by one', () => {
  const line = privateKey.split('\n')[3] ?? '';

  expect(line.length).toBeGreaterThan(40);
  expect(createRedactor([privateKey]).redact(`log: ${line}`)).toBe('log: ***');
});

test('ordinary words that resemble tokens stay', () => {
  const text = 'ghs_short, sk-ant-x, AKIA, the -----BEGIN CERTIFICATE----- line, and github_pat_';

  expect(createRedactor([]).redact(text)).toBe(text);
});

test('a stream gives what the whole text gives, however it is cut', () => {
  const redactor = createRedactor([SECRET, 'second-secret']);
  const [key, installation] = [privateKey.trim(), TOKENS[0]?.[1] ?? ''];
  const text = `${'intro '.repeat(40)}${SECRET}, ${key}. (${installation}) ${'x '.repeat(100)}second-secret!`;
  const whole = redactor.redact(text);

  for (const size of [1, 2, 3, 7, 50, 127, 128, 129, 1000]) {
    const stream = redactor.redactStream();
    let out = '';
    for (let at = 0; at < text.length; at += size) out += stream.push(text.slice(at, at + size));

    expect(out + stream.end(), `chunks of ${size}`).toBe(whole);
  }
});

test('a stream holds back no more than it has to', () => {
  const stream = createRedactor([SECRET]).redactStream();

  const shown = stream.push('a line of a log\n'.repeat(1000));

  expect(shown.length).toBeGreaterThan(15_000);
});

test('a secret without an end neither fills the memory nor gets through', () => {
  const stream = createRedactor([]).redactStream();
  let out = stream.push('start -----BEGIN PRIVATE KEY-----\n');

  for (let round = 0; round < 100; round += 1) out += stream.push('QUJD'.repeat(5000));
  out += stream.push('. the end') + stream.end();

  expect(out).toBe('start ***. the end');
});
