import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { toNoreplyAddress } from '../src/domain/noreply-address.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const BASE = { APP_ID: '1', WEBHOOK_SECRET: 'x'.repeat(32), PRIVATE_KEY: privateKey };

test.each([
  [{}, 'https://api.github.com', 'users.noreply.github.com'],
  [
    { GHE_HOST: 'github.example.com' },
    'https://github.example.com/api/v3',
    'users.noreply.github.example.com',
  ],
  [
    { GHE_HOST: 'GitHub.Example.com:8443' },
    'https://github.example.com:8443/api/v3',
    'users.noreply.github.example.com',
  ],
  [{ GHE_HOST: 'ghe.local', GHE_PROTOCOL: 'http' }, 'http://ghe.local/api/v3', 'users.noreply.ghe.local'],
  [{ GHE_HOST: 'octo.ghe.com' }, 'https://api.octo.ghe.com', 'users.noreply.octo.ghe.com'],
  [{ GHE_HOST: 'api.octo.ghe.com' }, 'https://api.octo.ghe.com', 'users.noreply.octo.ghe.com'],
  [
    { GITHUB_API_URL: 'https://a.example/api/v3/', GHE_HOST: 'b.example' },
    'https://a.example/api/v3',
    'users.noreply.a.example',
  ],
])('%j: where GitHub answers, and what its accounts are called in commits', (variables, apiUrl, domain) => {
  const reading = readConfig({ ...BASE, ...variables }, { isTTY: false });

  if (!reading.ok) throw new Error(reading.problems.join('; '));
  expect(reading.config.githubApiUrl).toBe(apiUrl);
  expect(toNoreplyAddress('7+bot', apiUrl)).toBe(`7+bot@${domain}`);
});

test.each(['https://github.example.com', 'github.example.com/api', 'a b'])(
  'GHE_HOST %j is refused',
  (host) => {
    const reading = readConfig({ ...BASE, GHE_HOST: host }, { isTTY: false });

    expect(reading).toMatchObject({
      ok: false,
      problems: ['GHE_HOST must be a host name without https:// or path'],
    });
  },
);

test.each<[string, string, string]>([
  ['LOG_LEVEL', 'loud', 'must be one of trace, debug, info, warn, error, fatal, silent'],
  ['LOG_FORMAT', 'xml', 'must be pretty or json'],
  ['KEEP_LOGS_DAYS', '0', 'must be a whole number of days from 1 to 3650'],
  ['METRICS_TOKEN', 'short', 'is too short: use 16 characters or more, e.g. from `openssl rand -hex 32`'],
  ['GHE_PROTOCOL', 'gopher', 'must be https or http'],
  ['APP_ID', '-1', 'must be the numeric App ID from the App’s settings page (not the client id)'],
  ['GITHUB_WRITE_SPACING_MS', 'often', 'must be a whole number of milliseconds from 0 to 60000'],
  ['GITHUB_WRITE_SPACING_MS', '1.5', 'must be a whole number of milliseconds from 0 to 60000'],
  ['GITHUB_COMMENT_SPACING_MS', '60001', 'must be a whole number of milliseconds from 0 to 60000'],
])('%s=%s is refused with what it must be', (name, value, rule) => {
  const reading = readConfig({ ...BASE, [name]: value }, { isTTY: false });

  expect(reading).toEqual({ ok: false, problems: [`${name} ${rule}`] });
});

test('what came from a flag is told by the flag', () => {
  const reading = readConfig({ ...BASE, PORT: 'abc' }, { isTTY: false }, { PORT: '--port' });

  expect(reading).toMatchObject({
    ok: false,
    problems: [expect.stringMatching(/^--port \(PORT\) must be a port/)],
  });
});
