import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  // Types of provided values can only be told by merging with this interface.
  export interface ProvidedContext {
    /** Answers `GET` with the URL of a PostgreSQL server for this run, which it starts for the first who asks. */
    postgresKeeper: string;
  }
}

const PROGRAM = path.resolve(import.meta.dirname, '..', 'store', 'programs', 'run-postgres.ts');

/** Vitest's global set-up: one PostgreSQL for the whole run, and none for a run that doesn't ask for it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  let server: ReturnType<typeof startPostgres> | undefined;

  const keeper = createServer((_request, response) => {
    const url = given ?? (server ??= startPostgres()).url;
    Promise.resolve(url).then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  keeper.listen(0, '127.0.0.1');
  await once(keeper, 'listening');
  const { port } = keeper.address() as AddressInfo;
  provide('postgresKeeper', `http://127.0.0.1:${port}`);

  return async () => {
    keeper.close();
    keeper.closeAllConnections();
    await server?.stop();
  };
}

function startPostgres(): { url: Promise<string>; stop(): Promise<void> } {
  // In a process group of its own: it must outlive whatever ends this run, and clean up.
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const exited = once(child, 'exit');
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const lines = createInterface(child.stdout);
  const url = Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    exited.then((): never => {
      throw new Error(`PostgreSQL for the tests did not start:\n${complaint}`);
    }),
  ]);
  return {
    url,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
