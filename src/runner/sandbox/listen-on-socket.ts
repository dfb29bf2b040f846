import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Lets a server listen on a UNIX socket in a new folder that only this user can enter. The folder is below the system's temporary
 * folder: a socket's path must be short (108 bytes), and workspaces lie deep. `close` ends the server with its connections.
 */
export async function listenOnSocket(server: Server): Promise<Listening> {
  const folder = await mkdtemp(join(tmpdir(), 'yardmaster-'));
  const socket = join(folder, 'socket');
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const close = await listen(server, { path: socket });
    return {
      socket,
      port: null,
      close: async () => {
        await close();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/** Lets a server listen on a free port of 127.0.0.1. Everybody on the machine can reach it: it has to ask for a token. */
export async function listenOnLoopback(server: Server): Promise<Listening> {
  const close = await listen(server, { host: '127.0.0.1', port: 0 });
  return { socket: '', port: (server.address() as AddressInfo).port, close };
}

export type Listening = {
  /** '' on loopback. */
  socket: string;
  /** `null` on a socket. */
  port: number | null;
  /** Ends the server with its connections. */
  close(): Promise<void>;
};

async function listen(
  server: Server,
  at: { path: string } | { host: string; port: number },
): Promise<() => Promise<void>> {
  const connections = new Set<{ destroy(): void }>();
  server.on('connection', (connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
  });
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of connections) connection.destroy();
    await closed;
  };
}
