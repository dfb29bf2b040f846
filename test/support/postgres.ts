import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

/** A database with nothing in it, on a real PostgreSQL; gone on disposal, whoever is still connected. */
export type TestDatabase = {
  url: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
} & AsyncDisposable;

/** Makes a database on the server that `TEST_DATABASE_URL` names, or else on one that lives as long as this run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await askForServer();
  const name = `yardmaster_test_${randomUUID().replaceAll('-', '')}`;
  await run(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;

  return {
    url: url.href,
    query: (sql) => run(url.href, sql),
    async [Symbol.asyncDispose]() {
      await run(server, `drop database ${name} with (force)`);
    },
  };
}

async function askForServer(): Promise<string> {
  const answer = await fetch(inject('postgresKeeper'));
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

async function run(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}
