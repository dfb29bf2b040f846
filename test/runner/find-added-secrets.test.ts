import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/lib/redact.ts';
import { findAddedSecrets } from '../../src/runner/find-added-secrets.ts';

// In pieces, or scanners of repositories would find them here.
const TOKEN = ['ghp', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'].join('_');
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

describe('secrets that would be added', () => {
  test.each([
    ['a token', `const token = '${TOKEN}';`, 'github'],
    ['a key', privateKey.trimEnd(), 'privatekey'],
    [
      'a password of a database',
      ['postgres://app', 'tr0ub4dor@db.acme.io/app'].join(':'),
      'database-connection-string',
    ],
    [
      'one that a comment would hide',
      `'${TOKEN}' // secretlint-disable-line\n/* secretlint-disable */`,
      'github',
    ],
    ['one behind a lone carriage return', `a\rb\rc\r'${TOKEN}'`, 'github'],
    ['one of this runner', 'const x = "house-secret-1234-56789";', 'masked by this runner'],
  ])('%s is told by file, line and rule alone', async (_, text, rule) => {
    const added = text.split('\n');
    const findings = await find(
      `@@ -1 +1,${added.length + 1} @@\n one\n${added.map((line) => `+${line}\n`).join('')}`,
    );

    expect(findings).toEqual([{ path: 'src/a.ts', line: 2, rule }]);
  });

  test.each([
    ['that stand around what was added', `@@ -8,2 +8,3 @@\n ${TOKEN}\n+x\n y\n`],
    ['that are removed', `@@ -8,2 +8,1 @@\n-${TOKEN}\n y\n`],
    ['of examples', '@@ -1 +1,2 @@\n x\n+postgres://postgres:postgres@db:5432/test\n'],
    ['of a made-up host', '@@ -1 +1,2 @@\n x\n+curl https://user:passw0rd@www.example.com/\n'],
    ['in the head of a file that is none', `@@ -1 +1,2 @@\n x\n+y\ndiff --git ${TOKEN}\n`],
  ])('none are those %s', async (_, hunk) => {
    expect(await find(hunk)).toEqual([]);
  });

  test('none are those that stand in the base, wherever', async () => {
    const asked: string[] = [];

    const findings = await find(`@@ -1 +1,2 @@\n x\n+a('${TOKEN}')\n`, (text) => {
      asked.push(text);
      return Promise.resolve(true);
    });

    expect(findings).toEqual([]);
    expect(asked).toEqual([TOKEN]);
  });

  test('are made up where the settings say so, but for those of this runner', async () => {
    const hunk = `@@ -1 +1,3 @@\n x\n+a('${TOKEN}')\n+b('house-secret-1234-56789')\n`;

    expect(await find(hunk, never, ['src/**'])).toEqual([
      { path: 'src/a.ts', line: 3, rule: 'masked by this runner' },
    ]);
    expect(await find(hunk, never, ['test/**'])).toHaveLength(2);
  });

  test('are found in files with odd names, and behind content that looks like a head', async () => {
    const patch = [
      'diff --git "a/\\303\\274 \\"x\\".ts" "b/\\303\\274 \\"x\\".ts"',
      '--- "a/\\303\\274 \\"x\\".ts"',
      '+++ "b/\\303\\274 \\"x\\".ts"',
      '@@ -1 +1,3 @@',
      ' one',
      '+++ b/other.ts',
      `+${TOKEN}`,
      '\\ No newline at end of file',
      '',
    ].join('\n');

    expect(
      await findAddedSecrets({
        patch,
        redact: (text) => text,
        holdsSecret: () => false,
        baseHas: never,
        fakePaths: [],
      }),
    ).toEqual([{ path: 'ü "x".ts', line: 3, rule: 'github' }]);
  });

  test.each([
    ['one long line', 'https://a:'.repeat(300_000)],
    ['beginnings of keys', '-----BEGIN RSA PRIVATE KEY-----\n+'.repeat(60_000)],
    ['beginnings of addresses', 'postgres://a:b'.repeat(150_000)],
    ['one word', 'aA1_-'.repeat(500_000)],
  ])('take no time beyond reason to look for: %s', async (_, text) => {
    const startedMs = performance.now();

    await find(`@@ -1 +1,${text.split('\n').length + 1} @@\n x\n+${text}\n`);

    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
});

const never = (): Promise<boolean> => Promise.resolve(false);

function find(
  hunk: string,
  baseHas: (text: string) => Promise<boolean> = never,
  fakePaths: readonly string[] = [],
) {
  const { redact, holds: holdsSecret } = createRedactor(['house-secret-1234-56789']);
  const patch = `diff --git a/src/a.ts b/src/a.ts\n--- a/src/a.ts\n+++ b/src/a.ts\n${hunk}`;
  return findAddedSecrets({ patch, redact, holdsSecret, baseHas, fakePaths });
}
