import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { RefusedHost } from '../../../src/contract/evidence.ts';
import { createAttemptRecord } from '../../../src/runner/attempt-record.ts';
import type { AttemptContext, PhaseDeps } from '../../../src/runner/phases/phase.ts';
import { openWayOut } from '../../../src/runner/phases/way-out.ts';

describe('the way out of a sandbox', () => {
  const OWN = 'localhost';
  const NAMED = '127.0.0.1';

  /** What comes of each host, by the proxy of an attempt whose settings name one host that the machine opens, and one that it does not. */
  async function tryAll(by: RefusedHost['by'], withRegistries: boolean, more: readonly string[] = []) {
    const server = createServer((socket) => socket.end()).listen(0, NAMED);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const record = createAttemptRecord('house', 'bubblewrap');
    const log: string[] = [];
    const attempt = {
      spec: { settings: { hosts: [`${NAMED}:${port}`, 'closed.example.org'] } },
      record,
      say: (line: string) => void log.push(line),
      // All that it looks at of an attempt.
    } as unknown as AttemptContext;
    const reach = { registries: false, hosts: [`${OWN}:${port}`], repositoryHosts: [`${NAMED}:${port}`] };
    const deps = { sandbox: { kind: 'bubblewrap' }, reach, machineEnv: {} } as unknown as PhaseDeps;

    const wayOut = await openWayOut(by, withRegistries, attempt, deps);
    const targets = [`${OWN}:${port}`, `${NAMED}:${port}`, 'closed.example.org:443', ...more];
    const statuses = await Promise.all(targets.map((target) => ask(wayOut.socket ?? '', target)));
    const explanation = wayOut.explainRefused();
    await wayOut.close();
    server.close();
    return { statuses, explanation, log, port, refused: record.evidence.refusedHosts };
  }

  function ask(socketPath: string, target: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request({ socketPath, method: 'CONNECT', path: target })
        .on('connect', ({ statusCode }, socket) => {
          socket.destroy();
          resolve(statusCode);
        })
        .on('error', reject)
        .end();
    });
  }

  test('leads set-up to the machine’s own hosts and to those of the settings', async () => {
    const { statuses, refused } = await tryAll('setup', true);

    expect(statuses).toEqual([200, 200, 403]);
    expect(refused).toEqual([{ host: 'closed.example.org:443', by: 'setup', why: 'not_here' }]);
  });

  test('leads tests of the work only to what settings and machine both open, and tells of the rest', async () => {
    const { statuses, refused, log, explanation, port } = await tryAll('tests', false);

    expect(statuses).toEqual([403, 200, 403]);
    expect(refused).toContainEqual({ host: `${OWN}:${port}`, by: 'tests', why: 'not_named' });
    expect(log).toContain(`[sandbox] refused a connection to ${OWN}:${port}`);
    expect(explanation).toContain('Tests of the work have no network');
  });

  test('is not kept from telling by who floods it', async () => {
    const many = Array.from({ length: 40 }, (_, at) => `h${at}.example.com:443`);

    const { refused } = await tryAll('agent', false, many);

    expect(refused).toHaveLength(16);
  });

  test('is open where there is no sandbox', async () => {
    const deps = { sandbox: { kind: 'none' } } as unknown as PhaseDeps;

    const wayOut = await openWayOut('tests', false, {} as AttemptContext, deps);

    expect([wayOut.socket, wayOut.explainRefused()]).toEqual([null, null]);
  });
});
