import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { RefusedHost } from '../../../src/contract/job.ts';
import { createAttemptRecord } from '../../../src/runner/attempt-record.ts';
import type { AttemptContext, PhaseDeps } from '../../../src/runner/phases/phase.ts';
import { allowHosts, describeReach, openWayOut } from '../../../src/runner/phases/way-out.ts';

const WANTED = ['api.example.org', '*.cdn.example.org', 'nexus.corp.example:8443'];

test('by default a repository opens nothing', () => {
  expect(allowHosts(WANTED, { repositoryHosts: [], hosts: ['nexus.corp.example:8443'] })).toEqual({
    hosts: [],
    publicHosts: [],
  });
});

test('what both name is open, wherever it leads', () => {
  const machine = { repositoryHosts: ['*.example.org', 'nexus.corp.example:8443'], hosts: [] };

  expect(allowHosts(WANTED, machine)).toEqual({ hosts: WANTED, publicHosts: [] });
});

test('where any may be named, only what the owner names himself may lead into his own network', () => {
  const machine = { repositoryHosts: 'any' as const, hosts: ['nexus.corp.example:8443', 'other.example'] };

  expect(allowHosts(WANTED, machine)).toEqual({ hosts: ['nexus.corp.example:8443'], publicHosts: WANTED });
});

test.each([
  [[], [], null],
  [WANTED, [], /open from here: none; not, or not in full: api\.example\.org, .*sandbox\.repository_hosts/],
  [WANTED, ['api.example.org'], /open from here: api\.example\.org; not, or not in full: \*\.cdn/],
  [['api.example.org'], ['*.example.org'], /open from here: api\.example\.org$/],
])('of %j with %j the log says', (wanted, repositoryHosts, words) => {
  const said = describeReach(wanted, { repositoryHosts, hosts: [] });

  if (words === null) expect(said).toBeNull();
  else expect(said).toMatch(words);
});

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
