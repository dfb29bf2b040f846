import {
  EPOCH_HEADER,
  LEASE_TOKEN_HEADER,
  type RunnerCall,
  type RunnerFacts,
  type RunnerResponse,
} from '../../contract/runner-api.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import { backoffMs } from '../../lib/retry.ts';
import { createSecret } from '../../lib/secret.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { Contact } from '../contact.ts';
import type { RunnerKey } from '../key-file.ts';
import { type Answer, type OutgoingCall, sendCall } from './send-call.ts';
import type { LeaseKey, Transport } from './transport.ts';
import { TransportError, transportErrorKind } from './transport-error.ts';

/** How long one try may take, in milliseconds. A long poll waits up to 50 s at the coordinator. */
const POLL_TIMEOUT_MS = 75_000;
const CALL_TIMEOUT_MS = 30_000;
/** However long a Retry-After: look again after this. */
const MAX_WAIT_MS = 300_000;
export const DEFAULT_BACKOFF = { baseMs: 1000, maxMs: 60_000 };

export type CoordinatorTransportOptions = {
  /** `coordinator_url` of runner.yml. */
  url: string;
  /** The newest; may change. */
  key: () => RunnerKey;
  /** What this runner says of itself; another object when it has changed. */
  facts: () => RunnerFacts;
  fetch: typeof fetch;
  clock: Clock;
  /** For jitter and idempotency keys. */
  random: Random;
  log: Logger;
  /** Told of every answer, and of every try without one. */
  contact?: Pick<Contact, 'answered' | 'troubled'>;
  backoff?: { baseMs: number; maxMs: number };
};

/** What differs between calls beyond their content. */
type Manner = {
  signal: AbortSignal;
  /** Monotonic; after this, trouble comes out as `unavailable`. `once`: one try. Left out: repeated until the signal aborts. */
  until?: number | 'once';
  timeoutMs?: number;
};

/**
 * The transport to a coordinator over its HTTP API. Opens its session by itself, when there is none and when the coordinator does not
 * know it any more; several calls may be under way at once.
 */
export function createCoordinatorTransport(options: CoordinatorTransportOptions): Transport {
  const { clock, log, random } = options;
  const backoff = options.backoff ?? DEFAULT_BACKOFF;
  const url = options.url.replace(/\/+$/, '');
  const processId = createSecret(random);
  let session: { token: string } | null = null;
  let opening: Promise<Answer<'session'>> | null = null;
  /** What the coordinator knows of this runner. */
  let toldFacts: RunnerFacts | null = null;

  return {
    connect: async (signal) => {
      if (session === null) await repeat('session', { signal }, openSession);
    },
    poll: async (request, signal) => {
      const manner = { signal, timeoutMs: POLL_TIMEOUT_MS };
      const facts = options.facts();
      // Before there is a session, its opening tells them.
      if (session === null || facts === toldFacts) return await call({ name: 'poll', body: request }, manner);
      try {
        const answer = await call({ name: 'poll', body: { ...request, facts } }, manner);
        toldFacts = facts;
        return answer;
      } catch (error) {
        if (transportErrorKind(error) !== 'policy_refused') throw error;
        toldFacts = facts;
        log.error(
          { err: error },
          'The coordinator does not take the new settings; it goes on with those before',
        );
        return await call({ name: 'poll', body: request }, manner);
      }
    },
    accept: async (offer, signal) => {
      // The first try counts, even when a repeat is answered: the lease runs since the coordinator first heard of it.
      const sentAtMs = clock.monotonicMs();
      const { runToken, spec, leaseToken, leaseSeconds, heartbeatSeconds } = await call(
        {
          name: 'accept',
          body: { epoch: offer.epoch },
          attemptId: offer.attemptId,
          idempotencyKey: createSecret(random),
        },
        { signal, until: sentAtMs + offer.acceptWithinSeconds * 1000 },
      );
      const lease = { attemptId: offer.attemptId, epoch: offer.epoch, leaseToken };
      return { spec, lease, leaseSeconds, heartbeatSeconds, sentAtMs, runToken };
    },
    decline: async ({ attemptId, epoch }, reason, detail, signal) => {
      const body = { epoch, reason, detail: detail.slice(0, 500) };
      await call({ name: 'decline', body, attemptId, idempotencyKey: createSecret(random) }, { signal });
    },
    attempt: (lease) => {
      const { attemptId } = lease;
      const headers = toLeaseHeaders(lease);
      return {
        takesLongPatches: true,
        start: async (signal) => {
          const idempotencyKey = createSecret(random);
          await call({ name: 'start', body: {}, attemptId, headers, idempotencyKey }, { signal });
        },
        heartbeat: (news, signal) =>
          call({ name: 'heartbeat', body: news, attemptId, headers }, { signal, until: 'once' }),
        appendLog: async (chunk, signal) => {
          const outgoing = { name: 'log' as const, body: chunk, attemptId, headers };
          return (await call(outgoing, { signal, until: 'once' })).committedOffset;
        },
        token: (request, signal) => call({ name: 'token', body: request, attemptId, headers }, { signal }),
        sendEvidence: async (evidence, signal) => {
          const idempotencyKey = createSecret(random);
          await call(
            { name: 'evidence', body: { evidence }, attemptId, headers, idempotencyKey },
            { signal },
          );
        },
        complete: async (request, idempotencyKey, signal) => {
          await call({ name: 'complete', body: request, attemptId, headers, idempotencyKey }, { signal });
        },
      };
    },
    close: async (signal) => {
      if (session === null) return;
      await call({ name: 'closeSession', body: {} }, { signal, until: 'once' });
      session = null;
    },
  };

  /** A call inside a session: opens one first where needed, and once more when the coordinator has forgotten it. */
  function call<C extends RunnerCall>(outgoing: OutgoingCall<C>, manner: Manner): Promise<RunnerResponse<C>> {
    let renewed = false;
    return repeat(outgoing.name, manner, async () => {
      for (;;) {
        if (session === null) {
          const opened = await unlessAborted(openSession(), manner.signal);
          if (opened.kind !== 'ok') return opened;
        }
        const used = session;
        if (used === null) continue;
        const answer = await send(outgoing, used.token, manner);
        const sessionRefused =
          answer.kind === 'unauthorized' || (answer.kind === 'refused' && answer.error.kind === 'superseded');
        // Another call has opened a new session meanwhile: ours was refused only for being the old one.
        if (sessionRefused && session !== used) continue;
        if (answer.kind !== 'unauthorized') return answer;
        session = null;
        if (renewed) return answer;
        renewed = true;
      }
    });
  }

  /** One try for all who wait for a session. Not bound to the signal of the one who happened to ask first. */
  function openSession(): Promise<Answer<'session'>> {
    const facts = options.facts();
    const key = options.key();
    opening ??= send({ name: 'session', body: { runnerId: key.runnerId, facts, processId } }, key.key, {
      signal: new AbortController().signal,
    })
      .then((answer) => {
        if (answer.kind === 'ok') {
          toldFacts = facts;
          session = { token: answer.value.sessionToken };
          log.info({ coordinatorVersion: answer.value.coordinatorVersion }, 'Connected to the coordinator');
        }
        return answer;
      })
      .finally(() => {
        opening = null;
      });
    return opening;
  }

  function send<C extends RunnerCall>(
    outgoing: OutgoingCall<C>,
    bearer: string,
    manner: Manner,
  ): Promise<Answer<C>> {
    return sendCall(outgoing, {
      url,
      bearer,
      fetch: options.fetch,
      timeoutMs: manner.timeoutMs ?? CALL_TIMEOUT_MS,
      signal: manner.signal,
      nowMs: clock.nowMs(),
    });
  }

  /** Tries until there is an answer, the time is over or the signal aborts. Whether to repeat is settled here alone. */
  async function repeat<T extends { kind: string }, C extends RunnerCall>(
    name: C,
    manner: Manner,
    trial: () => Promise<T & Answer<C>>,
  ): Promise<RunnerResponse<C>> {
    for (let attempt = 1; ; attempt += 1) {
      const answer: Answer<C> = await unlessAborted(trial(), manner.signal);
      if (answer.kind === 'trouble') options.contact?.troubled(answer.text);
      else options.contact?.answered();
      if (answer.kind === 'ok') {
        if (attempt > 1) log.info({ call: name, attempt }, 'The coordinator answers again');
        return answer.value;
      }
      if (answer.kind === 'refused') throw answer.error;

      const status = answer.kind === 'trouble' ? answer.status : 401;
      const retryAfterMs = answer.kind === 'trouble' ? answer.retryAfterMs : 0;
      const waitMs = Math.min(
        MAX_WAIT_MS,
        Math.max(retryAfterMs, backoffMs({ attempt, ...backoff, random: random.fraction })),
      );
      const { until } = manner;
      if (until === 'once' || (until !== undefined && clock.monotonicMs() + waitMs >= until)) {
        throw new TransportError('unavailable', `${name}: ${answer.text}`, { status });
      }
      log.warn(
        { call: name, attempt, waitMs, status, trouble: answer.text },
        'The coordinator did not answer; trying again',
      );
      await clock.sleep(waitMs, manner.signal);
    }
  }
}

function toLeaseHeaders(lease: LeaseKey): Record<string, string> {
  return { [LEASE_TOKEN_HEADER]: lease.leaseToken, [EPOCH_HEADER]: String(lease.epoch) };
}
