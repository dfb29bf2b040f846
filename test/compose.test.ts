import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ENVIRONMENT_NAMES, readConfig } from '../src/config.ts';

const FILE = path.resolve(import.meta.dirname, '..', 'docs', 'compose.yaml');

/** What of the Compose specification the file uses, and nothing else: a key that is written wrong is one that Compose refuses. */
const Name = z.string().regex(/^[a-z][a-z0-9_-]*$/);
const Duration = z.string().regex(/^\d+(?:ms|s|m|h)$/);
const Service = z.strictObject({
  image: z
    .string()
    .regex(/^[a-z0-9./-]+:[\w.-]+$/)
    .optional(),
  build: z.strictObject({ context: z.literal('..'), dockerfile_inline: z.string() }).optional(),
  restart: z.enum(['unless-stopped']),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  stop_grace_period: Duration.optional(),
  depends_on: z
    .union([
      z.array(Name),
      z.record(Name, z.strictObject({ condition: z.enum(['service_started', 'service_healthy']) })),
    ])
    .optional(),
  healthcheck: z
    .strictObject({
      test: z.tuple([z.enum(['CMD', 'CMD-SHELL'])], z.string()),
      interval: Duration,
      retries: z.int().positive(),
    })
    .optional(),
  ports: z.array(z.string().regex(/^\d+:\d+$/)).optional(),
  volumes: z.array(z.string().regex(/^[a-z]+:\/[\w/]+$/)).optional(),
  secrets: z.array(Name).optional(),
  configs: z.array(z.strictObject({ source: Name, target: z.string().startsWith('/') })).optional(),
});
const Compose = z.strictObject({
  name: Name,
  'x-coordinator': z.unknown(),
  services: z.record(Name, Service),
  configs: z.record(Name, z.strictObject({ content: z.string() })),
  secrets: z.record(Name, z.strictObject({ file: z.string() })),
  volumes: z.record(Name, z.null()),
});

const GIVEN: Record<string, string> = {
  APP_ID: '12345',
  WEBHOOK_SECRET: 'a'.repeat(64),
  POSTGRES_PASSWORD: 'b'.repeat(48),
  DOMAIN: 'yardmaster.example.com',
};

test('the compose file is one: every key is of the specification, and all that is named is there', async () => {
  const { services, configs, secrets, volumes } = await readCompose();

  for (const service of Object.values(services)) {
    expect([service.image, service.build].filter((source) => source !== undefined)).toHaveLength(1);
    const needed = service.depends_on ?? [];
    const names = Array.isArray(needed) ? needed : Object.keys(needed);
    expect(Object.keys(services)).toEqual(expect.arrayContaining(names));
    const waitedFor = Array.isArray(needed) ? [] : Object.entries(needed);
    const mustBeHealthy = waitedFor.filter(([, { condition }]) => condition === 'service_healthy');
    expect(mustBeHealthy.filter(([name]) => services[name]?.healthcheck === undefined)).toEqual([]);
    expect(Object.keys(secrets)).toEqual(expect.arrayContaining(service.secrets ?? []));
    expect(Object.keys(configs)).toEqual(
      expect.arrayContaining((service.configs ?? []).map(({ source }) => source)),
    );
    const named = (service.volumes ?? []).map((volume) => volume.split(':')[0]);
    expect(Object.keys(volumes)).toEqual(expect.arrayContaining(named));
  }
  const proxied = configs['proxy']?.content.match(/\b\w+:8080\b/g) ?? [];
  expect(proxied).toEqual(['first:8080', 'second:8080']);
});

test('what the compose file tells the coordinators is what they can be told', async () => {
  const { services } = await readCompose();
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

async function readCompose() {
  return Compose.parse(parse(await readFile(FILE, 'utf8'), { merge: true }));
}

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
