import { chmod, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Coordinator } from './coordinator.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import type { Logger } from './lib/logger.ts';
import { operatorSocket } from './operator/operator-client.ts';
import { packageVersion } from './package-version.ts';
import { createAdminApi } from './runner-api/admin-api.ts';

/**
 * Opens the operator's socket in the data folder, for `yardmaster jobs`, `runner token` and the like. Only the coordinator's user may
 * open it. The caller holds the store's lock, so a socket that lies there is a left-over.
 */
export async function startOperatorSocket(
  coordinator: Pick<Coordinator, 'store' | 'dispatcher' | 'registry' | 'explainIssue' | 'proposeSettings'>,
  options: { dataFolder: string; url: string; log: Logger },
): Promise<HttpServer> {
  const { dataFolder, url, log } = options;
  const admin = createAdminApi({
    ...coordinator,
    log,
    status: () => ({ url, pid: process.pid, version: packageVersion() }),
  });
  const socket = operatorSocket(dataFolder);
  await mkdir(path.dirname(socket), { recursive: true, mode: 0o700 });
  await rm(socket, { force: true });
  const started = await startHttpServer(admin, { path: socket });
  await chmod(socket, 0o600);
  return started;
}
