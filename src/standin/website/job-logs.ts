import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Links } from '../shapes/links.ts';

/** How long an address holds. */
const ADDRESS_MS = 60_000;
const STORED = /^\/storage\/logs\/([0-9a-f-]{36})$/;

/** Logs of jobs of GitHub Actions: the API leads on to an address of the storage, which holds for a minute and wants no credential. */
export function createJobLogs({ clock, links }: { clock: { nowMs(): number }; links: Links }) {
  const addresses = new Map<string, { log: string; endsAtMs: number }>();

  return {
    addressOf(log: string): string {
      const id = randomUUID();
      addresses.set(id, { log, endsAtMs: clock.nowMs() + ADDRESS_MS });
      return `${links.web}/storage/logs/${id}`;
    },

    /** True when the address is one of these. */
    answer(request: IncomingMessage, url: URL, response: ServerResponse): boolean {
      const id = STORED.exec(url.pathname)?.[1];
      if (id === undefined) return false;
      const found = addresses.get(id);
      const type = { 'content-type': 'text/plain' };
      // As the storage does it: it knows no such credential.
      if (request.headers.authorization !== undefined)
        response.writeHead(400, type).end('InvalidAuthenticationInfo');
      else if (found === undefined || found.endsAtMs <= clock.nowMs())
        response.writeHead(403, type).end('AuthenticationFailed');
      else response.writeHead(200, type).end(found.log);
      return true;
    },
  };
}

export type JobLogs = ReturnType<typeof createJobLogs>;
