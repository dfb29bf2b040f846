import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { PROTOCOL_HEADER, toProtocolHeader } from '../../src/contract/protocol-version.ts';
import {
  EPOCH_HEADER,
  IDEMPOTENCY_HEADER,
  LEASE_TOKEN_HEADER,
  RUNNER_API,
  type RunnerCall,
  type RunnerResponse,
} from '../../src/contract/runner-api.ts';
import { WireError } from '../../src/contract/wire-error.ts';
import { createPreviewJob } from '../../src/dispatch/preview-job.ts';
import { createRunnerApi } from '../../src/runner-api/serve-runner-api.ts';
import { openDispatchWorld, type Taken, type TestRunner } from '../support/dispatch-world.ts';
import { aRepository, aResult } from '../support/job-builders.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';
import { serveApp } from '../support/serve-app.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

type Sent = {
  body?: unknown;
  attemptId?: string;
  bearer?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

const POLL = { waitSeconds: 0, freeSlots: 2, freeDiskBytes: 1, attempts: [], draining: false };

describe('a runner’s way through the API', () => {
  test('from enrolment to the end of an attempt', async () => {
    await using api = await openApi();
    const { token } = await api.world.registry.createEnrollToken({
      specialties: null,
      expiresInSeconds: null,
    });
    const facts = someRunnerFacts();

    const { runnerId, key } = await api.call('enroll', { body: { token, facts } });
    const { sessionToken } = await api.call('session', { bearer: key, body: { runnerId, facts } });
    const polling = api.call('poll', { bearer: sessionToken, body: { ...POLL, waitSeconds: 50 } });
    api.world.sweeper.start();
    const jobId = await api.world.label();
    const [offer] = (await polling).offers;
    if (!offer) throw new Error('nothing was offered');
    const { attemptId, epoch } = offer;
    const taken = await api.call('accept', { bearer: sessionToken, attemptId, body: { epoch } });
    const mine = { bearer: sessionToken, attemptId, headers: leaseHeaders(taken.leaseToken, epoch) };
    await api.call('start', { ...mine, body: {} });
    const beat = await api.call('heartbeat', { ...mine, body: { phase: 'agent' } });
    const log = await api.call('log', { ...mine, body: { offset: 0, text: 'working\n' } });
    await api.call('evidence', { ...mine, body: { evidence: aResult().evidence } });
    const publish = await api.call('token', {
      ...mine,
      body: { purpose: 'publish', headCommit: aResult().headCommit },
    });
    await api.call('complete', { ...mine, body: { result: aResult(), checkRunFinished: true } });
    await api.call('closeSession', { bearer: sessionToken, body: {} });

    expect(offer.jobId).toBe(jobId);
    expect(beat.action).toBe('continue');
    expect(log.committedOffset).toBe(8);
    expect(publish.token).not.toBe(taken.runToken.token);
    expect((await api.world.jobOf(jobId)).job.state).toBe('succeeded');
    expect((await api.world.registry.list())[0]?.state).toBe('gone');
  });

  test('a job that nobody has to refuse is declined in the same way', async () => {
    await using api = await openApi();
    const runner = await api.world.enrol();
    const jobId = await api.world.label();
    const { attemptId, epoch } = await api.world.offerFor(runner);

    await api.call('decline', {
      bearer: runner.sessionToken,
      attemptId,
      body: { epoch, reason: 'no_capacity', detail: '' },
    });

    expect((await api.world.jobOf(jobId)).job).toMatchObject({ state: 'queued', offers: 1 });
  });

  test('a repeat with the same idempotency key gets the same answer, and nothing happens twice', async () => {
    await using api = await openApi();
    const { runner, taken } = await api.takeJob();
    const sent = {
      bearer: runner.sessionToken,
      attemptId: taken.lease.attemptId,
      headers: { ...leaseHeaders(taken.leaseToken, taken.lease.epoch), [IDEMPOTENCY_HEADER]: 'the-same-key' },
    };

    const first = await api.send('start', { ...sent, body: {} });
    const second = await api.send('start', { ...sent, body: {} });
    const different = await api.send('start', { ...sent, body: { more: true } });

    expect([first.status, second.status, different.status]).toEqual([200, 200, 400]);
    expect((await api.world.kindsOf(taken.spec.jobId)).filter((kind) => kind === 'phase')).toHaveLength(1);
  });
});

describe('who is let in', () => {
  test.each(callNames())('%s is refused without the right to it', async (name) => {
    await using api = await openApi();
    const attemptId = randomUUID();

    const nobody = await api.send(name, { attemptId, body: bodyThatFits(name) });
    const stranger = await api.send(name, {
      attemptId,
      body: bodyThatFits(name),
      bearer: 'x.y.z',
      headers: leaseHeaders('x', 1),
    });

    expect([nobody.status, stranger.status]).toEqual([401, 401]);
    expect(nobody.error?.code).toBe('unauthorized');
  });

  test('what is not found, stale, superseded or revoked is said by code and status', async () => {
    await using api = await openApi();
    const { runner, taken } = await api.takeJob();
    const { attemptId, epoch } = taken.lease;
    const beat = (sent: Sent) =>
      api.send('heartbeat', { bearer: runner.sessionToken, attemptId, body: { phase: 'agent' }, ...sent });

    const unknown = await beat({ attemptId: randomUUID(), headers: leaseHeaders(taken.leaseToken, epoch) });
    const noUuid = await beat({ attemptId: 'nonsense', headers: leaseHeaders(taken.leaseToken, epoch) });
    const stale = await beat({ headers: leaseHeaders('another', epoch) });
    const noLease = await beat({});
    await api.world.openSession(runner);
    const superseded = await beat({ headers: leaseHeaders(taken.leaseToken, epoch) });
    await api.world.registry.revoke(runner.id);
    const revoked = await beat({ headers: leaseHeaders(taken.leaseToken, epoch) });

    expect(
      [unknown, noUuid, stale, noLease, superseded, revoked].map(({ status, error }) => [
        status,
        error?.code,
      ]),
    ).toEqual([
      [404, 'not_found'],
      [404, 'not_found'],
      [409, 'stale_attempt'],
      [400, 'invalid_request'],
      [409, 'superseded'],
      [403, 'revoked'],
    ]);
  });

  test.each([undefined, 'nonsense', '0.9', '2.0', '99999.0'])('protocol version %s', async (version) => {
    await using api = await openApi();

    const answer = await api.send('session', { headers: { [PROTOCOL_HEADER]: version ?? '' }, body: {} });

    expect(answer.status).toBe(version === '0.9' ? 401 : 426);
    expect(answer.error?.message).not.toBe('');
  });
});

describe('nonsense', () => {
  test('every mistake in a request is named with its field', async () => {
    await using api = await openApi();

    const { status, error } = await api.send('enroll', {
      body: { token: 'x', facts: { ...someRunnerFacts(), specialties: ['Back End'], capacity: 0 } },
    });

    expect(status).toBe(400);
    expect(error?.message).toContain('facts.specialties[0]: must be 1 to 50 of a-z');
    expect(error?.message).toContain('facts.capacity');
  });

  test.each([
    ['not JSON', '{"a":'],
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '1e999'],
    ['deep', '['.repeat(5000)],
  ])('%s as body is answered, not fallen over', async (_name, text) => {
    await using api = await openApi();

    const answer = await api.sendText('enroll', text);

    expect(answer.status).toBe(400);
    expect(answer.error?.code).toBe('invalid_request');
  });

  test('a call that changes something needs a key for repeats', async () => {
    await using api = await openApi();
    const { token } = await api.world.registry.createEnrollToken({
      specialties: null,
      expiresInSeconds: null,
    });

    const answer = await api.send('enroll', {
      headers: { [IDEMPOTENCY_HEADER]: 'short' },
      body: { token, facts: someRunnerFacts() },
    });

    expect(answer.status).toBe(400);
    expect(answer.error?.message).toContain(IDEMPOTENCY_HEADER);
  });

  test('bodies have an end, told or not', async () => {
    await using api = await openApi();
    const { runner } = await api.takeJob();
    const body = JSON.stringify({ ...POLL, attempts: 'x'.repeat(300_000) });

    const told = await api.sendText('poll', body, { bearer: runner.sessionToken });
    const streamed = await postStreamed(`${api.url}/api/v1/poll`, body, runner.sessionToken);

    expect([told.status, streamed]).toEqual([413, 413]);
    expect(told.error?.code).toBe('too_large');
  });

  test('a stranger is turned away before his body is read, however long it is', async () => {
    await using api = await openApi();
    const body = JSON.stringify({ token: 'x'.repeat(40_000), facts: someRunnerFacts() });

    const statuses = [
      (await api.sendText('poll', 'x'.repeat(300_000), { bearer: 'nobody' })).status,
      await postStreamed(`${api.url}/api/v1/poll`, 'x'.repeat(300_000), 'nobody'),
      (await api.sendText('enroll', body)).status,
    ];

    expect(statuses).toEqual([401, 401, 413]);
  });

  test('what is not in the table is not found, in the words of the contract', async () => {
    await using api = await openApi();
    const headers = { [PROTOCOL_HEADER]: toProtocolHeader() };

    const wrongPath = await fetch(`${api.url}/api/v1/nothing`, { method: 'POST', headers });
    const wrongMethod = await fetch(`${api.url}/api/v1/enroll`, { headers });

    for (const answer of [wrongPath, wrongMethod]) {
      expect(answer.status).toBe(404);
      expect(WireError.parse(await answer.json()).error.code).toBe('not_found');
    }
  });

  test('raw noise on the socket harms nobody', async () => {
    await using api = await openApi();
    const { port } = new URL(api.url);

    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.end('\u0000\u0001 GET nonsense\r\n\r\n'),
      );
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
      socket.resume();
    });

    expect((await fetch(`${api.url}/api/v1/openapi.json`)).status).toBe(200);
  });

  test('when the store fails, the runner is told to try again, and the log has the reason', async () => {
    const lines: Record<string, unknown>[] = [];
    await using api = await openApi(lines);
    const { runner } = await api.takeJob();
    await api.world.store.close();

    const answer = await api.send('poll', { bearer: runner.sessionToken, body: POLL });

    expect(answer.status).toBe(500);
    expect(answer.error).toMatchObject({ code: 'internal', retryable: true });
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'A call of the runner API failed' }));
  });
});

describe('long polls', () => {
  test('end when the coordinator stops', async () => {
    await using api = await openApi();
    const { runner } = await api.takeJob();
    const polling = api.call('poll', { bearer: runner.sessionToken, body: { ...POLL, waitSeconds: 50 } });
    await api.polled();

    api.stop();

    expect(await polling).toEqual({ offers: [], cancels: [], drain: false });
  });

  test('end when the runner hangs up, and what came meanwhile is told to the next poll', async () => {
    await using api = await openApi();
    const runner = await api.world.enrol();
    const hangUp = new AbortController();
    const polling = api.call('poll', {
      bearer: runner.sessionToken,
      body: { ...POLL, waitSeconds: 50 },
      signal: hangUp.signal,
    });
    await api.polled();

    hangUp.abort();
    await expect(polling).rejects.toThrow('aborted');
    await until('the coordinator notices', () => api.endedPolls() === 1);
    const jobId = await api.world.label();
    const next = await api.call('poll', { bearer: runner.sessionToken, body: POLL });

    expect(next.offers).toMatchObject([{ jobId }]);
  });
});

/** The runner API on loopback, over a whole dispatch. */
async function openApi(lines: Record<string, unknown>[] = []) {
  const world = await openDispatchWorld();
  const shutdown = new AbortController();
  let [begun, ended] = [0, 0];
  const dispatcher: typeof world.dispatcher = {
    ...world.dispatcher,
    async poll(call) {
      begun += 1;
      const answer = await world.dispatcher.poll(call);
      ended += 1;
      return answer;
    },
  };
  const app = createRunnerApi({
    dispatcher,
    registry: world.registry,
    previewJob: createPreviewJob({
      store: world.store,
      github: world.recorder.github,
      githubApiUrl: 'https://api.github.com',
      clock: world.clock,
      log: createTestLogger(lines),
    }),
    shutdown: shutdown.signal,
    version: '0.0.0-test',
    log: createTestLogger(lines),
  });
  const served = await serveApp(app);

  async function sendText(name: RunnerCall, text: string, sent: Sent = {}) {
    const { method, path } = RUNNER_API[name];
    const response = await fetch(served.url + path.replace(':attemptId', sent.attemptId ?? ''), {
      method,
      body: text,
      ...(sent.signal ? { signal: sent.signal } : {}),
      headers: {
        [PROTOCOL_HEADER]: toProtocolHeader(),
        [IDEMPOTENCY_HEADER]: randomUUID(),
        ...(sent.bearer === undefined ? {} : { authorization: `Bearer ${sent.bearer}` }),
        ...sent.headers,
      },
    });
    const answer: unknown = await response.json();
    return {
      status: response.status,
      answer,
      error: response.ok ? null : WireError.parse(answer).error,
    };
  }

  function send(name: RunnerCall, sent: Sent) {
    return sendText(name, JSON.stringify(sent.body), sent);
  }

  async function call<C extends RunnerCall>(name: C, sent: Sent): Promise<RunnerResponse<C>> {
    const { answer, error } = await send(name, sent);
    if (error) throw new Error(`${error.code}: ${error.message}`);
    // Parsed by the schema of this very call.
    return RUNNER_API[name].response.parse(answer) as RunnerResponse<C>;
  }

  async function takeJob(): Promise<{ runner: TestRunner; taken: Taken }> {
    const runner = await world.enrol();
    await world.label();
    return { runner, taken: await world.take(runner) };
  }

  return {
    world,
    url: served.url,
    call,
    send,
    sendText,
    takeJob,
    /** A long poll has reached the dispatcher. */
    polled: () => until('a poll waits', () => begun > ended),
    endedPolls: () => ended,
    stop: () => shutdown.abort(),
    async [Symbol.asyncDispose]() {
      shutdown.abort();
      await served[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

describe('what a job would be', () => {
  const wish = { repository: 'ACME/widgets', issueNumber: 42, specialty: null };

  test('is told by the runner’s key, and nothing comes of it: its session goes on, GitHub is only read', async () => {
    await using api = await openApi();
    const runner = await api.world.enrol({ specialties: ['frontend', 'backend'] });
    await api.world.store.sweeps.putRepository({ installationId: 5, repository: aRepository() });
    const { recorder } = api.world;
    recorder.issue.snapshot = { ...recorder.issue.snapshot, labels: ['bug', 'Agent:Backend'] };

    const preview = await api.call('preview', {
      bearer: runner.key,
      body: { ...wish, runnerId: runner.id },
    });

    expect(preview).toMatchObject({
      specialty: 'backend',
      repository: aRepository(),
      issue: { number: recorder.issue.snapshot.number },
      base: { branch: 'main', commit: recorder.branches.get('main') },
    });
    expect(preview).not.toHaveProperty('runToken');
    await api.call('poll', { bearer: runner.sessionToken, body: POLL });
    expect(new Set(recorder.calls)).toEqual(
      new Set(['readRepository', 'readSettingsFile', 'readIssue', 'readHead']),
    );
    expect(await api.world.store.jobs.ofIssue(aRepository().id, 42, 1)).toEqual([]);
  });

  test('is told of known repositories and the runner’s own specialties only, and not without end', async () => {
    await using api = await openApi();
    const runner = await api.world.enrol({ specialties: ['backend'] });
    const ask = (body: object, bearer = runner.key) =>
      api.send('preview', { bearer, body: { ...wish, runnerId: runner.id, ...body } });

    const unknown = await ask({});
    await api.world.store.sweeps.putRepository({ installationId: 5, repository: aRepository() });
    const foreign = await ask({ specialty: 'frontend' });
    const stranger = await ask({}, 'ymk_wrong');
    api.world.recorder.issue.found = false;
    const gone = await ask({});
    const more = [await ask({}), await ask({}), await ask({}), await ask({})];
    await api.world.registry.revoke(runner.id);
    const revoked = await ask({});

    const answers = [unknown, foreign, stranger, gone, more.at(-1), revoked];
    expect(answers.map((answer) => answer?.error?.code)).toEqual([
      'not_found',
      'policy_refused',
      'unauthorized',
      'not_found',
      'rate_limited',
      'revoked',
    ]);
  });
});

function leaseHeaders(leaseToken: string, epoch: number): Record<string, string> {
  return { [LEASE_TOKEN_HEADER]: leaseToken, [EPOCH_HEADER]: String(epoch) };
}

function callNames(): RunnerCall[] {
  return Object.keys(RUNNER_API) as RunnerCall[];
}

function bodyThatFits(name: RunnerCall): unknown {
  const bodies: Partial<Record<RunnerCall, unknown>> = {
    enroll: { token: 'wrong', facts: someRunnerFacts() },
    session: { runnerId: randomUUID(), facts: someRunnerFacts() },
    poll: POLL,
    preview: { runnerId: randomUUID(), repository: 'acme/widgets', issueNumber: 42, specialty: null },
    rotateKey: { runnerId: randomUUID(), newKey: `ymk_${'n'.repeat(43)}` },
    confirmKey: { runnerId: randomUUID() },
  };
  return bodies[name] ?? {};
}

/** Without a Content-Length, so that the size shows only while it is read. */
function postStreamed(url: string, body: string, bearer: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      url,
      {
        method: 'POST',
        headers: {
          [PROTOCOL_HEADER]: toProtocolHeader(),
          authorization: `Bearer ${bearer}`,
          'transfer-encoding': 'chunked',
        },
      },
      (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
