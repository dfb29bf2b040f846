import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ENVIRONMENT_NAMES, readConfig } from '../src/config.ts';

const FILE = path.resolve(import.meta.dirname, '..', 'docs', 'compose.yaml');

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      environment: z.record(z.string(), z.string()).optional(),
      stop_grace_period: z.string().optional(),
    }),
  ),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

const GIVEN: Record<string, string> = {
  APP_ID: '12345',
  WEBHOOK_SECRET: 'a'.repeat(64),
  POSTGRES_PASSWORD: 'b'.repeat(48),
  DOMAIN: 'yardmaster.example.com',
};

test('what the compose file tells the coordinators is what they can be told', async () => {
  const { services } = Compose.parse(parse(await readFile(FILE, 'utf8'), { merge: true }));
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const coordinators = ['first', 'second'].map((name) => services[name]?.environment ?? {});

  for (const environment of coordinators) {
    expect(Object.keys(environment).filter((name) => !ENVIRONMENT_NAMES.includes(name))).toEqual([]);
    const { PRIVATE_KEY_PATH: secretPath, ...rest } = fillIn(environment);
    const read = readConfig({ ...rest, PRIVATE_KEY: pem }, { isTTY: false });

    expect(secretPath).toBe('/run/secrets/private_key');
    expect(read).toMatchObject({
      ok: true,
      config: {
        host: '0.0.0.0',
        port: 8080,
        publicUrl: 'https://yardmaster.example.com',
        databaseUrl: expect.stringContaining('@database:5432/'),
        redisUrl: 'redis://limits:6379',
      },
    });
  }
  // The password that the database is given is the one that the coordinators use.
  expect(fillIn(services['database']?.environment ?? {})['POSTGRES_PASSWORD']).toBe(
    GIVEN['POSTGRES_PASSWORD'],
  );
});

/** `${NAME}` and `${NAME:?what it is}`, as compose fills them in. */
function fillIn(environment: Record<string, string>): Record<string, string> {
  const fill = (text: string) =>
    text.replaceAll(/\$\{([A-Z_]+)(?::\?[^}]*)?\}/g, (_all, name: string) => {
      const value = GIVEN[name];
      if (value === undefined) throw new Error(`nobody gives ${name}`);
      return value;
    });
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)]));
}
