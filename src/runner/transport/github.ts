import { z } from 'zod';
import type { OfferMail } from '../../contract/check-run-mail.ts';
import type { AttemptId, RunnerId } from '../../contract/identifiers.ts';
import type { Offer, PollResponse, RunnerFacts } from '../../contract/runner-api.ts';
import type { CheckRunContent } from '../../domain/check-run-content.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import { backoffMs } from '../../lib/retry.ts';
import { createSecret } from '../../lib/secret.ts';
import type { MessageKey } from '../../lib/signed-message.ts';
import { toError } from '../../lib/to-error.ts';
import type { Contact } from '../contact.ts';
import { createAppClient } from './github/app-client.ts';
import { createAttemptChannel } from './github/attempt-channel.ts';
import { type AttemptMail, createAttemptMail, type Standing } from './github/attempt-mail.ts';
import { createOfferFinder, type FoundOffer } from './github/find-offers.ts';
import { type AttemptPlace, fromLeaseToken, toLeaseToken } from './github/place.ts';
import { readOfferIn } from './github/read-offer.ts';
import { toPauseMs } from './github/request-pace.ts';
import type { Claim, LeaseKey, Transport } from './transport.ts';
import { TransportError, transportErrorKind } from './transport-error.ts';

/** Between two looks for the acknowledgement of a claim, and for orders to an attempt under way, at the most. */
const LOOK_MS = 10_000;
/** An offer whose claim came to nothing is not claimed again before this. */
const CLAIM_AGAIN_MS = 60_000;
const REVOKE_LIMIT_MS = 5000;

const App = z.object({
  id: z.int(),
  slug: z.string().optional(),
  permissions: z.record(z.string(), z.unknown()).optional(),
});
/** What the App must be allowed; the coordinator needs the same. */
const NEEDED = { checks: 'write', contents: 'write' } as const;

export type GitHubTransportOptions = {
  apiUrl: string;
  appId: number;
  privateKey: string;
  /** For messages, for clear errors: where the key was read from. */
  privateKeyPath: string;
  runnerId: RunnerId;
  key: MessageKey;
  facts: () => RunnerFacts;
  /** Between two looks for work, in milliseconds. */
  pollMs: number;
  fetch: typeof fetch;
  clock: Clock;
  random: Random;
  log: Logger;
  userAgent: string;
  onToken(token: string): void;
  /** Told of every look that was answered, and of every one that was not. */
  contact?: Pick<Contact, 'answered' | 'troubled'>;
  backoff?: { baseMs: number; maxMs: number };
};

/**
 * The transport for a machine that reaches GitHub but no coordinator, with the App's own key: offers stand in queued check runs on job
 * branches, and everything else is said in the attempt's check run. See `contract/check-run-mail.ts` for who writes what.
 */
export function createGitHubTransport(options: GitHubTransportOptions): Transport {
  const { clock, random, log, key, runnerId } = options;
  const backoff = options.backoff ?? { baseMs: 1000, maxMs: 60_000 };
  const client = createAppClient(options);
  const finder = createOfferFinder({ ...options, specialties: () => options.facts().specialties, client });
  const offers = new Map<AttemptId, FoundOffer>();
  const mails = new Map<
    AttemptId,
    { mail: AttemptMail; claiming: boolean; isListed: boolean; lookedMs: number }
  >();
  /** `<attempt>:<epoch>` → not claimed again before. */
  const spent = new Map<string, number>();
  const closed = new AbortController();
  let findAtMs = -Infinity;
  let failures = 0;
  const lookMs = Math.min(LOOK_MS, options.pollMs);

  return {
    connect: async (signal) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await introduce(signal);
          return;
        } catch (error) {
          if (transportErrorKind(error) !== 'unavailable') throw error;
          const waitMs = backoffMs({ attempt, ...backoff, random: random.fraction });
          log.warn({ err: error, waitMs }, 'GitHub could not be asked who we are; trying again');
          await clock.sleep(waitMs, signal);
        }
      }
    },

    poll: async (request, signal) => {
      const untilMs = clock.monotonicMs() + request.waitSeconds * 1000;
      await letGo(request.attempts, signal);
      for (;;) {
        const orders = await readOrders(signal);
        const wantsWork = request.freeSlots > 0 && !request.draining;
        const found = wantsWork ? await lookForWork(request.freeSlots, signal) : [];
        const drain = orders.drain && !request.draining;
        const nowMs = clock.monotonicMs();
        const isNews = found.length > 0 || orders.cancels.length > 0 || drain;
        // One that wants no work asks for none.
        if (!wantsWork && failures === 0) options.contact?.answered();
        if (isNews || nowMs >= untilMs) return { offers: found, cancels: orders.cancels, drain };
        const nextMs = Math.min(
          untilMs,
          wantsWork ? findAtMs : Infinity,
          nowMs + (mails.size > 0 ? lookMs : Infinity),
        );
        await clock.sleep(Math.max(10, nextMs - nowMs), signal);
      }
    },

    accept: async (offer, signal) => {
      const found = offers.get(offer.attemptId);
      if (found === undefined) throw staleOffer('it is not offered any more');
      spent.set(toSpentKey(offer), clock.monotonicMs() + CLAIM_AGAIN_MS);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(offer.acceptWithinSeconds * 1000)]);
      const mail = openMail(toPlace(found, createSecret(random)), true);
      try {
        return await claim(found.offer, mail, limit);
      } catch (error) {
        mails.delete(offer.attemptId);
        await mail.dispose(AbortSignal.timeout(REVOKE_LIMIT_MS));
        if (limit.aborted && !signal.aborted) {
          throw new TransportError('unavailable', 'The coordinator did not acknowledge the claim in time.');
        }
        throw error;
      } finally {
        offers.delete(offer.attemptId);
      }
    },

    decline: async (offer, reason, detail, signal) => {
      const found = offers.get(offer.attemptId);
      const mail =
        mails.get(offer.attemptId)?.mail ??
        (found === undefined ? null : openMail(toPlace(found, createSecret(random)), false));
      if (mail === null) return;
      mail.set({ declined: { reason, detail: detail.slice(0, 500) } });
      try {
        await mail.write(toClaimContent('queued', 'The runner gives the attempt back.'), signal);
      } finally {
        offers.delete(offer.attemptId);
        mails.delete(offer.attemptId);
        await mail.dispose(AbortSignal.timeout(REVOKE_LIMIT_MS));
      }
    },

    attempt: (lease) => {
      const known = mails.get(lease.attemptId);
      const isResumed = known === undefined;
      const mail = known?.mail ?? openMail(readLease(lease), false);
      return createAttemptChannel(mail, {
        runnerName: options.facts().name,
        clock,
        random,
        log,
        backoff,
        firstContent: toClaimContent('in_progress', `${options.facts().name} works on it.`),
        isResumed,
        closed: closed.signal,
        onEnd: async () => {
          mails.delete(lease.attemptId);
          await mail.dispose(AbortSignal.timeout(REVOKE_LIMIT_MS));
        },
      });
    },

    close: async (signal) => {
      closed.abort();
      await Promise.all([...mails.values()].map(({ mail }) => mail.dispose(signal)));
      await finder.close(signal);
    },
  };

  /** Finds out whether the credentials are good for the work, and says what to do when they are not. */
  async function introduce(signal: AbortSignal): Promise<void> {
    const { appId, apiUrl, privateKeyPath } = options;
    let data: unknown;
    try {
      ({ data } = await client.send('app', 'GET /app', {}, signal));
    } catch (error) {
      if (transportErrorKind(error) !== 'refused') throw error;
      const status = error instanceof TransportError ? error.status : null;
      throw new TransportError(
        'misconfigured',
        status === 401
          ? `${apiUrl} does not take App ${appId} with the private key in ${privateKeyPath}: compare github_app.app_id with the App’s settings page, download a new key there if need be, and see that this machine’s clock is right.`
          : `${apiUrl} does not answer as GitHub’s API does (HTTP ${status ?? 'unknown'}): look at github_app.api_url.`,
        { status, cause: error },
      );
    }
    const app = App.safeParse(data);
    if (!app.success) {
      throw new TransportError(
        'misconfigured',
        `${apiUrl} does not answer as GitHub’s API does: look at github_app.api_url.`,
      );
    }
    const missing = Object.entries(NEEDED).filter(([name, level]) => app.data.permissions?.[name] !== level);
    if (missing.length > 0) {
      const names = missing.map(([name, level]) => `${name}: ${level}`).join(', ');
      throw new TransportError(
        'misconfigured',
        `The App may not do what a runner needs (${names}): see app.yml.`,
      );
    }
    const { capabilities } = options.facts();
    log.info({ app: app.data.slug, runnerId, keyId: key.id, capabilities }, 'GitHub knows this App');
  }

  /** Never throws for GitHub's trouble: looks again later. */
  async function lookForWork(freeSlots: number, signal: AbortSignal): Promise<Offer[]> {
    if (clock.monotonicMs() < findAtMs) return [];
    let requests = 0;
    let fresh: FoundOffer[] = [];
    try {
      const look = await finder.find(signal);
      ({ requests } = look);
      fresh = look.found;
      failures = 0;
      options.contact?.answered();
    } catch (error) {
      if (signal.aborted) throw error;
      failures += 1;
      options.contact?.troubled(toError(error).message);
      log.warn({ err: error, failures }, 'GitHub could not be looked over for work; trying again');
    }
    const baseMs = options.pollMs * Math.min(10, Math.max(1, failures));
    const chance = random.fraction();
    findAtMs = clock.monotonicMs() + toPauseMs({ baseMs, requests, budget: client.budget(), chance });
    return fresh
      .filter(({ offer }) => isFresh(offer))
      .slice(0, freeSlots)
      .map((found) => {
        const { offer } = found;
        offers.set(offer.attemptId, found);
        const { attemptId, jobId, epoch, acceptWithinSeconds, spec } = offer;
        return { attemptId, jobId, epoch, specialty: spec.specialty, acceptWithinSeconds };
      });
  }

  function isFresh(offer: OfferMail): boolean {
    const nowMs = clock.monotonicMs();
    for (const [spentKey, untilMs] of spent) if (untilMs <= nowMs) spent.delete(spentKey);
    return !mails.has(offer.attemptId) && !spent.has(toSpentKey(offer));
  }

  /** Claims, then waits until the coordinator has acknowledged this very claim: nothing is begun before. */
  async function claim(offer: OfferMail, mail: AttemptMail, signal: AbortSignal): Promise<Claim> {
    const { place } = mail;
    const standing = readOfferIn(await mail.readRun(signal), { repositoryId: place.repositoryId, key });
    if (!standing.ok || standing.offer.epoch !== offer.epoch || standing.offer.runnerId !== runnerId) {
      throw staleOffer('it was withdrawn just now');
    }
    const sentAtMs = clock.monotonicMs();
    await mail.write(toClaimContent('in_progress', `${options.facts().name} takes the attempt.`), signal);
    for (;;) {
      const order = toAcknowledgement(await mail.look(signal));
      if (order !== null) {
        const { heartbeatSeconds, leaseSeconds } = order;
        Object.assign(place, { heartbeatSeconds, leaseSeconds });
        const known = mails.get(place.attemptId);
        if (known !== undefined) known.claiming = false;
        return {
          spec: offer.spec,
          lease: { attemptId: place.attemptId, epoch: place.epoch, leaseToken: toLeaseToken(place) },
          leaseSeconds,
          heartbeatSeconds,
          sentAtMs,
          runToken: await mail.workingToken(signal),
        };
      }
      await clock.sleep(Math.min(lookMs, 3000), signal);
    }
  }

  /** `null` while there is none. Throws when it was given to somebody else, or taken back. */
  function toAcknowledgement(standing: Standing) {
    if (standing.kind === 'completed') throw staleOffer('its check run is completed');
    if (standing.kind === 'unordered') {
      if (standing.why.startsWith('another')) throw staleOffer(standing.why);
      return null;
    }
    if (standing.order.verb === 'cancel') throw staleOffer('the job was cancelled');
    return standing.order;
  }

  /** What was ordered to the attempts under way, each looked at now and then. */
  async function readOrders(signal: AbortSignal): Promise<Pick<PollResponse, 'cancels' | 'drain'>> {
    const orders: Pick<PollResponse, 'cancels' | 'drain'> = { cancels: [], drain: false };
    for (const [attemptId, known] of mails) {
      // What has been reported as ended is not looked at any more: its check run is completed by ourselves.
      const isEnding = known.mail.state().result !== null;
      if (known.claiming || isEnding || clock.monotonicMs() - known.lookedMs < lookMs) continue;
      known.lookedMs = clock.monotonicMs();
      try {
        const standing = await known.mail.look(signal);
        if (known.mail.state().result !== null) continue;
        if (standing.kind !== 'ordered') {
          orders.cancels.push({ attemptId, reason: 'The coordinator has given this attempt up.' });
        } else if (standing.order.verb === 'cancel') {
          orders.cancels.push({ attemptId, reason: 'The job was cancelled on GitHub.' });
        }
        orders.drain ||= standing.kind === 'ordered' && standing.order.verb === 'drain';
      } catch (error) {
        if (signal.aborted) throw error;
        log.warn({ err: error, attempt: attemptId }, 'The check run of an attempt could not be looked at');
      }
    }
    return orders;
  }

  /** Ends the tokens of attempts that the runner had and has no more, without having reported their end: lost ones. */
  async function letGo(attempts: readonly AttemptId[], signal: AbortSignal): Promise<void> {
    for (const [attemptId, known] of mails) {
      // What a poll says is as old as the poll: an attempt that was never named may be one that has just begun.
      if (attempts.includes(attemptId)) known.isListed = true;
      else if (known.isListed) {
        mails.delete(attemptId);
        await known.mail.dispose(signal);
      }
    }
  }

  function openMail(place: AttemptPlace, claiming: boolean): AttemptMail {
    const mail = createAttemptMail(place, { client, runnerId, facts: options.facts(), key, clock, log });
    mails.set(place.attemptId, { mail, claiming, isListed: false, lookedMs: clock.monotonicMs() });
    return mail;
  }

  function toPlace({ offer, installationId, repository }: FoundOffer, nonce: string): AttemptPlace {
    const { spec, jobId, attemptId, epoch } = offer;
    return {
      installationId,
      repositoryId: repository.id,
      owner: repository.owner,
      repo: repository.repo,
      isPrivate: spec.repository.private,
      checkRunId: spec.checkRun.id,
      jobId,
      attemptId,
      epoch,
      specialty: spec.specialty,
      nonce,
      heartbeatSeconds: 0,
      leaseSeconds: 0,
    };
  }

  function readLease({ leaseToken }: LeaseKey): AttemptPlace {
    const place = fromLeaseToken(leaseToken);
    if (place !== null) return place;
    throw new TransportError(
      'stale_attempt',
      'The attempt was taken by way of a coordinator, not of GitHub.',
    );
  }
}

function staleOffer(why: string): TransportError {
  return new TransportError('stale_attempt', `The offer can’t be taken: ${why}.`);
}

function toSpentKey({ attemptId, epoch }: Pick<Offer, 'attemptId' | 'epoch'>): string {
  return `${attemptId}:${epoch}`;
}

function toClaimContent(status: 'queued' | 'in_progress', summary: string): CheckRunContent {
  return { status, title: status === 'queued' ? 'Given back' : 'Claimed by a runner', summary };
}
