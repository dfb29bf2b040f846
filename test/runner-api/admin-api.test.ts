import { describe, expect, test } from 'vitest';
import { WireError } from '../../src/contract/wire-error.ts';
import { createProposeSettings } from '../../src/dispatch/propose-settings.ts';
import { createExplainIssue } from '../../src/dispatch/explain-issue.ts';
import { decide } from '../../src/domain/decide.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { createAdminApi } from '../../src/runner-api/admin-api.ts';
import { anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { aResult } from '../support/job-builders.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';
import { aDelivery } from '../support/store-builders.ts';
import { serveApp } from '../support/serve-app.ts';
import { createTestLogger } from '../support/test-logger.ts';

describe('the operator', () => {
  test('makes a token that lets in a runner for these specialties', async () => {
    await using admin = await openAdmin();

    const token = (await admin.post('/runner-tokens', {
      specialties: ['backend'],
      expiresInSeconds: 60,
    })) as {
      token: string;
      expiresAtMs: number;
    };
    const enrolled = await admin.world.registry.enroll(
      { token: token.token, facts: someRunnerFacts() },
      anIdempotency(),
    );

    expect(enrolled.ok).toBe(true);
    expect(token.expiresAtMs).toBe(admin.world.clock.nowMs() + 60_000);
  });

  test('sees the coordinator, its fleet, its jobs, and one job with all that happened to it', async () => {
    await using admin = await openAdmin();
    const { world } = admin;
    const runner = await world.enrol();
    const jobId = await world.label();
    await world.take(runner);

    expect(await admin.get('/status')).toMatchObject({ url: 'http://here', pid: 1, version: 'test' });
    expect(await admin.get('/runners')).toMatchObject({
      runners: [{ id: runner.id, active: 1, state: 'online' }],
    });
    expect(await admin.get('/jobs')).toMatchObject({ jobs: [{ id: jobId, state: 'preparing' }] });
    expect(await admin.get('/jobs?state=queued,failed')).toEqual({ jobs: [] });
    expect(await admin.get(`/jobs/${jobId}`)).toMatchObject({
      job: { id: jobId },
      attempts: [{ number: 1, runner: { name: 'be-1' } }],
      events: [{ kind: 'queued' }, { kind: 'ready' }, { kind: 'offered' }, { kind: 'accepted' }],
    });
  });

  test('sees no hash of a secret', async () => {
    await using admin = await openAdmin();
    const runner = await admin.world.enrol();
    const jobId = await admin.world.label();
    await admin.world.take(runner);

    const all = JSON.stringify([await admin.get('/runners'), await admin.get(`/jobs/${jobId}`)]);

    expect(all).not.toMatch(/hash/i);
  });

  test('gets the patch of work that was not pushed, word for word, or hears why there is none', async () => {
    await using admin = await openAdmin();
    const jobId = await admin.world.label();
    const { lease } = await admin.world.take(await admin.world.enrol());
    const patch = 'diff --git a/a b/a\n+grün\u0000\u202E\r\n';
    await expect(admin.get(`/jobs/${jobId}/patch`)).rejects.toThrow('404');
    const result = aResult({ outcome: 'policy_refused', headCommit: null });
    const call = { lease, result, checkRunFinished: true, patch, idempotency: anIdempotency() };
    value(await admin.world.dispatcher.complete(call));

    expect(await admin.get(`/jobs/${jobId}/patch`)).toEqual({ patch });
  });

  test('reads a log piece by piece', async () => {
    await using admin = await openAdmin();
    const jobId = await admin.world.label();
    const { lease } = await admin.world.take(await admin.world.enrol());
    value(await admin.world.dispatcher.log(lease, { offset: 0, text: 'grün\n' }));

    expect(await admin.get(`/jobs/${jobId}/log`)).toEqual({ text: 'grün\n', nextOffset: 6 });
    expect(await admin.get(`/jobs/${jobId}/log?offset=6`)).toEqual({ text: '', nextOffset: 6 });
  });

  test('shows a log without what would command a terminal, and counts its bytes all the same', async () => {
    await using admin = await openAdmin();
    const jobId = await admin.world.label();
    const { lease } = await admin.world.take(await admin.world.enrol());
    const text = '\u001B]0;owned\u0007a\tb\n\u001B[31mred\u202E';
    value(await admin.world.dispatcher.log(lease, { offset: 0, text }));

    const nextOffset = Buffer.byteLength(text);
    expect(await admin.get(`/jobs/${jobId}/log`)).toEqual({ text: 'a\tb\nred', nextOffset });
  });

  test('cancels a job, drains and revokes a runner', async () => {
    await using admin = await openAdmin();
    const { world } = admin;
    const runner = await world.enrol();
    const jobId = await world.label();

    expect(await admin.post(`/jobs/${jobId}/cancel`)).toEqual({ result: 'cancelled' });
    await admin.post(`/runners/${runner.id}/drain`);
    expect(await admin.get('/runners')).toMatchObject({ runners: [{ state: 'draining' }] });
    await admin.post(`/runners/${runner.id}/revoke`);
    expect(await admin.get('/runners')).toMatchObject({ runners: [{ state: 'revoked' }] });
  });

  test('tells what a month has used up', async () => {
    await using admin = await openAdmin();
    await admin.world.label();

    expect(await admin.get('/usage')).toEqual({
      month: '2026-05',
      usage: [
        {
          repository: 'acme/widgets',
          specialty: 'backend',
          jobs: 1,
          pullRequests: 0,
          costUsd: 0,
          minutes: 0,
          inputTokens: 0,
          outputTokens: 0,
        },
      ],
    });
    expect(await admin.get('/usage?repository=ACME/widgets')).toMatchObject({ usage: [{ jobs: 1 }] });
    expect(await admin.get('/usage?repository=acme/other')).toMatchObject({ usage: [] });
    expect(await admin.get('/usage?month=2026-04')).toEqual({ month: '2026-04', usage: [] });
  });

  test('holds a job, lets it go on, and moves it in the queue', async () => {
    await using admin = await openAdmin();
    const jobId = await admin.world.label();

    expect(await admin.post(`/jobs/${jobId}/hold`)).toEqual({ result: 'held' });
    expect(await admin.post(`/jobs/${jobId}/hold`)).toEqual({ result: 'same' });
    expect(await admin.post(`/jobs/${jobId}/priority`, { priority: 'high' })).toEqual({ result: 'high' });
    expect(await admin.post(`/jobs/${jobId}/unhold`)).toEqual({ result: 'queued' });
    await admin.post(`/jobs/${jobId}/cancel`);
    expect(await admin.post(`/jobs/${jobId}/unhold`)).toEqual({ result: 'ended' });
    expect(await admin.post(`/jobs/${jobId}/priority`, { priority: 'low' })).toEqual({ result: 'ended' });
  });

  test('sees what became of webhooks, and has a dead letter handled again, as often as it likes', async () => {
    await using admin = await openAdmin();
    const { store } = admin.world;
    await store.putDelivery(aDelivery({ guid: '72d3162e-1', payload: '{"action":"labeled","n":1}' }));
    const claim = await store.claimDelivery();
    if (!claim) throw new Error('nothing to claim');
    await store.failDelivery(claim, 'no luck', null);

    expect(await admin.get('/deliveries?state=dead&event=issues')).toMatchObject({
      deliveries: [{ guid: '72d3162e-1', action: 'labeled', state: 'dead', error: 'no luck' }],
      counts: { dead: 1 },
    });
    expect(await admin.get('/deliveries/72d3')).toMatchObject({
      guid: '72d3162e-1',
      headers: { 'x-github-delivery': '72d3162e-1', 'x-github-event': 'issues' },
      payload: { action: 'labeled', n: 1 },
    });
    expect(await admin.post('/deliveries/72d3/replay')).toEqual({ guid: '72d3162e-1', result: 'ready' });
    expect(await admin.post('/deliveries/72d3/replay')).toEqual({ guid: '72d3162e-1', result: 'ready' });
    expect(await admin.post('/deliveries/replay-dead')).toEqual({ replayed: 0 });
    expect(await admin.get('/status')).toMatchObject({ deliveries: { ready: 1, dead: 0 } });
  });

  test.each([
    ['GET', '/deliveries/nothing', 404],
    ['GET', '/deliveries/%1B', 404],
    ['GET', '/deliveries?state=lost', 400],
    ['POST', '/deliveries/nothing/replay', 404],
    ['GET', '/jobs/nonsense', 404],
    ['GET', '/jobs/00000000-0000-7000-8000-000000000001', 404],
    ['GET', '/jobs/00000000-0000-7000-8000-000000000001/log', 404],
    ['GET', '/jobs?state=lost', 400],
    ['GET', '/jobs?limit=0', 400],
    ['GET', '/usage?month=13', 400],
    ['GET', '/usage?repository=acme', 400],
    ['GET', '/explain?repository=acme&issue=1', 400],
    ['GET', '/explain?repository=acme/widgets&issue=0', 400],
    ['GET', '/explain?repository=acme/widgets&issue=1&as=a%20b', 400],
    ['GET', '/nothing', 404],
    ['POST', '/jobs/nonsense/cancel', 404],
    ['POST', '/jobs/nonsense/hold', 404],
    ['POST', '/jobs/nonsense/priority', 400],
    ['POST', '/runners/nonsense/revoke', 404],
    ['POST', '/runner-tokens', 400],
  ])('%s %s is answered with %i and a reason', async (method, path, status) => {
    await using admin = await openAdmin();

    const response = await fetch(admin.url + path, {
      method,
      ...(method === 'POST' ? { body: '{"specialties":' } : {}),
    });

    expect(response.status).toBe(status);
    expect(WireError.parse(await response.json()).error.message).not.toBe('');
  });
});

async function openAdmin() {
  const world = await openDispatchWorld();
  const app = createAdminApi({
    store: world.store,
    dispatcher: world.dispatcher,
    registry: world.registry,
    proposeSettings: createProposeSettings({
      schemaUrl: null,
      store: world.store,
      github: world.recorder.github,
      proposeFile: async () => ({ url: 'https://github.com/acme/widgets/pull/9' }),
    }),
    explainIssue: createExplainIssue({
      store: world.store,
      github: world.recorder.github,
      decide,
      timings: DEFAULT_TIMINGS,
    }),
    status: () => ({ url: 'http://here', pid: 1, version: 'test' }),
    log: createTestLogger(),
  });
  const { url, ...served } = await serveApp(app);

  async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return response.json();
  }

  return {
    world,
    url,
    get: (path: string) => ask('GET', path),
    post: (path: string, body?: unknown) => ask('POST', path, body),
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}
