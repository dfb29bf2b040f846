import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Logger } from '../../lib/logger.ts';
import { controlSocket } from './control-client.ts';

/** Longest path of a UNIX socket on Linux, in bytes: `sun_path` of unix(7), less its end. */
const MAX_SOCKET_PATH = 107;

/**
 * Serves `app` on the socket in the runner's state folder, which only its own user may open. The caller holds the lock on the
 * folder, so a socket that lies there is a left-over. A runner works without it, too: what is in the way is only said, with `null`.
 */
export async function openControlSocket(
  app: Hono,
  options: { workspaceRoot: string; log: Logger },
): Promise<{ stop(): Promise<void> } | null> {
  const { workspaceRoot, log } = options;
  const socket = controlSocket(workspaceRoot);
  const length = Buffer.byteLength(socket);
  if (length > MAX_SOCKET_PATH) {
    log.warn(
      { socket, length, most: MAX_SOCKET_PATH },
      '“yardmaster runner status” and the like can not reach this runner: the path of its socket is too long; give it a shorter workspace_root',
    );
    return null;
  }
  const answer = getRequestListener(app.fetch);
  // The listener answers every request itself, also those that fail.
  const server = createServer((request, response) => void answer(request, response));
  try {
    await rm(socket, { force: true });
    server.listen({ path: socket });
    await once(server, 'listening');
    await chmod(socket, 0o600);
  } catch (error) {
    log.warn({ err: error, socket }, '“yardmaster runner status” and the like can not reach this runner');
    return null;
  }
  return {
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
