import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import type { RunnerFacts } from '../../../src/contract/runner-api.ts';
import { createAttemptRecord, toAttemptResult } from '../../../src/runner/attempt-record.ts';
import { createCoordinatorTransport } from '../../../src/runner/transport/coordinator.ts';
import { enrollAtCoordinator } from '../../../src/runner/transport/enroll-at-coordinator.ts';
import type { Claim, Transport } from '../../../src/runner/transport/transport.ts';
import {
  ENROLL_TOKEN,
  type FakeCoordinator,
  RUNNER_ID,
  RUNNER_KEY,
  startFakeCoordinator,
} from '../../support/fake-coordinator.ts';
import { aJobSpec } from '../../support/job-spec.ts';
import { aRunnerKey, someRunnerFacts } from '../../support/runner-builders.ts';
import { createTestLogger } from '../../support/test-logger.ts';
import { until } from '../../support/until.ts';

const never = new AbortController().signal;
const POLL = { waitSeconds: 0, freeSlots: 1, freeDiskBytes: 1, attempts: [], draining: false };

let coordinator: FakeCoordinator;
let transport: Transport;
let facts: RunnerFacts;

beforeEach(async () => {
  coordinator = await startFakeCoordinator();
  facts = someRunnerFacts();
  transport = connectTo(coordinator.url);
});
afterEach(() => coordinator[Symbol.asyncDispose]());

describe('what the runner says of itself', () => {
  test('is told with the session, and in a poll only when it has changed', async () => {
    await transport.poll(POLL, never);
    facts = someRunnerFacts({ specialties: ['backend', 'python'], capacity: 4 });
    await transport.poll(POLL, never);
    await transport.poll(POLL, never);

    expect(coordinator.facts).toEqual([someRunnerFacts(), facts]);
    expect(coordinator.callsOf('session')).toHaveLength(1);
    expect(coordinator.polls.map((poll) => poll.facts === undefined)).toEqual([true, false, true]);
  });

  test('when it is refused, the runner goes on with what was known before', async () => {
    await transport.poll(POLL, never);
    facts = someRunnerFacts({ specialties: ['devops'] });
    coordinator.fail('poll', 'policy_refused');

    await transport.poll(POLL, never);
    await transport.poll(POLL, never);

    expect(coordinator.facts).toEqual([someRunnerFacts()]);
    expect(coordinator.callsOf('poll')).toHaveLength(4);
  });

  test('is told again when its answer was lost', async () => {
    await transport.poll(POLL, never);
    facts = someRunnerFacts({ capacity: 4 });
    coordinator.fail('poll', 'lose-request');

    await transport.poll(POLL, never);

    expect(coordinator.facts.at(-1)).toEqual(facts);
  });
});

describe('claims', () => {
  test('a lost answer to accept is asked for again with the same idempotency key', async () => {
    coordinator.offer(aJobSpec());
    coordinator.fail('accept', 'lose-answer', 2);

    const claim = await claimNext();

    const keys = coordinator.callsOf('accept').map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(claim.lease.leaseToken).toMatch(/^lease-/);
  });

  test('the lease counts from before the first try, whose answer may have got lost', async () => {
    coordinator.offer(aJobSpec());
    coordinator.fail('accept', 'lose-answer', 3);

    const claim = await claimNext();

    const [first] = coordinator.callsOf('accept');
    expect(claim.sentAtMs).toBeLessThanOrEqual(first?.atMs ?? 0);
  });

  test('an acceptance gives up when the offer is over', async () => {
    coordinator.offer(aJobSpec());
    const { offers } = await transport.poll(POLL, never);
    const [offer] = offers;
    if (offer === undefined) throw new Error('no offer');
    coordinator.fail('accept', 503, 1000);

    const accepted = transport.accept({ ...offer, acceptWithinSeconds: 0.2 }, never);

    await expect(accepted).rejects.toMatchObject({ kind: 'unavailable', status: 503 });
  });

  test('different calls have different idempotency keys', async () => {
    coordinator.offer(aJobSpec());
    const channel = transport.attempt((await claimNext()).lease);

    await channel.start(never);
    await channel.sendEvidence(createAttemptRecord('house').evidence, never);

    const keys = coordinator.calls.map((call) => call.idempotencyKey).filter((key) => key !== null);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(3);
  });

  test('a completed attempt takes no more calls', async () => {
    const attempt = coordinator.offer(aJobSpec());
    const channel = transport.attempt((await claimNext()).lease);
    const result = toAttemptResult(createAttemptRecord('house'), {
      outcome: 'no_changes',
      reason: 'Nothing.',
      retryable: false,
    });

    await channel.complete({ result, checkRunFinished: true }, 'key-1', never);
    await channel.complete({ result, checkRunFinished: true }, 'key-1', never);

    expect(attempt.result).toEqual(result);
    await expect(channel.start(never)).rejects.toMatchObject({ kind: 'stale_attempt', status: 409 });
  });
});

describe('sessions', () => {
  test('one is opened for all calls that wait for it', async () => {
    await Promise.all([transport.poll(POLL, never), transport.poll(POLL, never), transport.connect(never)]);

    expect(coordinator.callsOf('session')).toHaveLength(1);
    expect(coordinator.facts[0]).toEqual(someRunnerFacts());
  });

  test('one whose answer is lost again and again is opened by the same process each time', async () => {
    coordinator.fail('session', 'lose-answer', 3);

    await transport.connect(never);

    const processes = coordinator
      .callsOf('session')
      .map(({ body }) => (body as { processId?: string }).processId);
    expect(processes).toHaveLength(4);
    expect(new Set(processes).size).toBe(1);
    expect(processes[0]).toMatch(/^.{20,}$/);
  });

  test('a forgotten one is opened anew, and the call repeated', async () => {
    await transport.connect(never);
    coordinator.forgetSessions();

    await expect(transport.poll(POLL, never)).resolves.toMatchObject({ offers: [] });

    expect(coordinator.callsOf('session')).toHaveLength(2);
  });

  test('that are refused again and again are backed off from, not given up', async () => {
    await transport.connect(never);
    coordinator.fail('poll', 'unauthorized', 5);

    await transport.poll(POLL, never);

    expect(coordinator.callsOf('poll')).toHaveLength(6);
  });

  test('a superseded one is not fought for', async () => {
    await transport.connect(never);
    coordinator.supersede();

    await expect(transport.poll(POLL, never)).rejects.toMatchObject({ kind: 'superseded' });

    expect(coordinator.callsOf('session')).toHaveLength(1);
  });

  test('a call that was under way in an old session goes on in the new one', async () => {
    await transport.connect(never);
    const poll = transport.poll({ ...POLL, waitSeconds: 20 }, never);
    await until('it polls', () => coordinator.polls.length === 1);
    coordinator.fail('decline', 'unauthorized');
    coordinator.offer(aJobSpec({ specialty: 'backend' }));

    const { offers } = await poll;
    const [offer] = offers;
    if (offer === undefined) throw new Error('no offer');
    const waiting = transport.poll({ ...POLL, freeSlots: 0, waitSeconds: 20 }, never);
    await until('it polls', () => coordinator.polls.length === 2);
    await transport.decline(offer, 'no_capacity', '', never);
    coordinator.drain();

    await expect(waiting).resolves.toMatchObject({ drain: true });
  });

  test('are closed in order', async () => {
    await transport.connect(never);

    await transport.close(never);

    expect(coordinator.sessions.at(-1)).toBe('closed');
  });
});

describe('trouble', () => {
  test.each(['lose-request', 'lose-answer', 'rate_limited', 'unavailable', 'internal', 408, 502] as const)(
    'of the kind %s is waited out',
    async (fault) => {
      coordinator.fail('poll', fault, 3);

      await expect(transport.poll(POLL, never)).resolves.toEqual({ offers: [], cancels: [], drain: false });

      expect(coordinator.callsOf('poll')).toHaveLength(4);
    },
  );

  test.each([
    ['revoked', 'revoked', 403],
    ['protocol_unsupported', 'protocol_unsupported', 426],
    ['invalid_request', 'refused', 400],
    ['policy_refused', 'policy_refused', 422],
    [404, 'refused', 404],
    [302, 'refused', 302],
  ] as const)('%s is not repeated', async (fault, kind, status) => {
    coordinator.fail('poll', fault);

    await expect(transport.poll(POLL, never)).rejects.toMatchObject({ kind, status });

    expect(coordinator.callsOf('poll')).toHaveLength(1);
  });

  test.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2000).toUTCString()],
  ])('a wait that is asked for, in %s, is kept', async (_form, retryAfter) => {
    coordinator.fail('poll', { status: 429, retryAfter: retryAfter() });

    await transport.poll(POLL, never);

    const [first, second] = coordinator.callsOf('poll').map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(900);
  });

  test('a heartbeat and a log chunk are tried once: who sends them knows better when to repeat', async () => {
    coordinator.offer(aJobSpec());
    const channel = transport.attempt((await claimNext()).lease);
    coordinator.fail('heartbeat', 503);
    coordinator.fail('log', 'lose-answer');

    await expect(channel.heartbeat({ phase: 'prepare' }, never)).rejects.toMatchObject({
      kind: 'unavailable',
    });
    await expect(channel.appendLog({ offset: 0, text: 'hello' }, never)).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });

  test('ends with the signal, with its reason', async () => {
    coordinator.setConnected(false);
    const controller = new AbortController();
    const poll = transport.poll(POLL, controller.signal);

    controller.abort(new Error('the runner ends'));

    await expect(poll).rejects.toThrow('the runner ends');
  });

  test('a coordinator that is not there yet is waited for', async () => {
    coordinator.setConnected(false);
    const connected = transport.connect(never);
    await until('it was tried', () => coordinator.cutRequests() > 1);

    coordinator.setConnected(true);

    await expect(connected).resolves.toBeUndefined();
  });
});

describe('enrolment', () => {
  test('asks again with the same key when the answer got lost, so that the token is not used up in vain', async () => {
    coordinator.fail('enroll', 'lose-answer', 2);

    const enrolled = await enroll(ENROLL_TOKEN);

    expect(enrolled).toEqual({ runnerId: RUNNER_ID, key: RUNNER_KEY });
    const keys = coordinator.callsOf('enroll').map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(1);
  });

  test('with a wrong token is refused', async () => {
    await expect(enroll('wrong')).rejects.toMatchObject({ kind: 'refused', status: 401 });
  });
});

function connectTo(url: string): Transport {
  return createCoordinatorTransport({
    url,
    key: () => aRunnerKey(url),
    facts: () => facts,
    fetch,
    clock: systemClock,
    random: systemRandom,
    log: createTestLogger(),
    backoff: { baseMs: 5, maxMs: 20 },
  });
}

function enroll(token: string) {
  return enrollAtCoordinator(
    { url: coordinator.url, token, facts: someRunnerFacts() },
    {
      fetch,
      clock: { ...systemClock, sleep: async () => undefined },
      random: systemRandom,
      log: createTestLogger(),
    },
  );
}

async function claimNext(): Promise<Claim> {
  const { offers } = await transport.poll(POLL, never);
  const [offer] = offers;
  if (offer === undefined) throw new Error('no offer');
  return await transport.accept(offer, never);
}
