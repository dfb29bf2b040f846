import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import type { WatchedDatabase } from './database.ts';

const PROGRAM = path.resolve(import.meta.dirname, '..', '..', 'store', 'programs', 'run-postgres.ts');

/** A PostgreSQL server for one test alone, that may be stopped and started. */
export type OwnPostgres = WatchedDatabase & {
  /** `stop`: in order, all sessions are ended. `crash`: at once, as if it was killed. */
  end(how: 'stop' | 'crash'): Promise<void>;
  start(): Promise<void>;
};

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const child = spawn(process.execPath, [PROGRAM, 'durable'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const exited = once(child, 'exit');
  const nextLine = async (): Promise<string> => {
    const line: unknown[] = await Promise.race([
      once(lines, 'line'),
      exited.then((): never => {
        throw new Error('PostgreSQL of this test ended by itself');
      }),
    ]);
    return String(line[0]);
  };
  const tell = async (line: string): Promise<void> => {
    const answer = nextLine();
    child.stdin.write(`${line}\n`);
    await answer;
  };
  const url = await nextLine();

  return {
    url,
    async query(sql) {
      const client = new Client({ connectionString: url });
      // A server that goes away says so to every session; whoever waits for an answer hears it by that.
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end().catch(() => undefined);
      }
    },
    end: (how) => tell(how),
    start: () => tell('start'),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited.catch(() => undefined);
    },
  };
}
