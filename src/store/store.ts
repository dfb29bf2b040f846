import type { JobId } from '../contract/identifiers.ts';
import type { AttemptTokenQueries } from './attempt-tokens.ts';
import type { AttemptQueries } from './attempts.ts';
import type { CheckRunMailQueries } from './check-run-mail.ts';
import type { CommandQueries } from './commands.ts';
import type { PatchQueries } from './patches.ts';
import type { ReviewQueries } from './reviews.ts';
import type { JobQueries } from './jobs.ts';
import type { MemoryQueries } from './memory.ts';
import type { RunnerQueries } from './runners.ts';
import type { SweepQueries } from './sweeps.ts';
import type { EffectQueries, WantedEffect } from './tasks.ts';
import type { TimelineQueries } from './timeline.ts';
import type { SpendingQueries } from './spending.ts';
import type { WakeTopic } from './wakes.ts';
import type { WriteLimitQueries } from './write-limits.ts';

/** A webhook delivery as it came in: verified, not yet looked at. */
export type NewDelivery = {
  /** `X-GitHub-Delivery`: a redelivery bears the same. */
  guid: string;
  event: string;
  /** Deliveries with the same key are handled one after the other, in the order of arrival: `<repository id>#<issue>`, or the GUID. */
  orderKey: string;
  /** The body, as received. */
  payload: string;
};

export type ClaimedDelivery = NewDelivery & {
  /** 1 for the first try. */
  attempt: number;
  /** Fences a claim that has lapsed. */
  fence: number;
  receivedAtMs: number;
};

/** Where a delivery stands: `ready` also while it waits to be tried again; a `dead` letter is tried no more. */
export type DeliveryState = 'ready' | 'running' | 'done' | 'dead';

/** A delivery as an operator sees it. */
export type DeliveryRecord = {
  guid: string;
  event: string;
  /** `null` when the body doesn't begin with one, as GitHub's do. */
  action: string | null;
  /** `owner/name`; `null` when it is about none, or the body isn't as GitHub writes them. */
  repository: string | null;
  orderKey: string;
  state: DeliveryState;
  /** So far, since it came in or was replayed. */
  attempts: number;
  /** Why the last try failed; `null` when none did. */
  error: string | null;
  receivedAtMs: number;
  /** When it is tried next, if it waits. */
  runAtMs: number;
  finishedAtMs: number | null;
};

/** The inbox. */
export type DeliveryStore = {
  /**
   * Durable when it resolves. `known`: a delivery with this GUID is stored already; nothing changes. A dead letter that is delivered
   * again is `stored`: whoever redelivers it wants it handled.
   */
  putDelivery(delivery: NewDelivery): Promise<'stored' | 'known'>;
  /** The oldest delivery that is due and whose order key nobody is working on; `null` when there is none. */
  claimDelivery(): Promise<ClaimedDelivery | null>;
  finishDelivery(claim: { guid: string; fence: number }): Promise<void>;
  /** `null` makes it a dead letter. `countsAsTry: false`: it was not to blame. */
  failDelivery(
    claim: { guid: string; fence: number },
    error: string,
    retry: { afterMs: number; countsAsTry: boolean } | null,
  ): Promise<void>;

  /** Newest first. */
  listDeliveries(wanted: {
    states: readonly DeliveryState[];
    event: string | null;
    limit: number;
  }): Promise<DeliveryRecord[]>;
  /** Those whose GUID begins with `prefix`, at most two, with their bodies. */
  findDeliveries(prefix: string): Promise<(DeliveryRecord & { payload: string })[]>;
  /**
   * Has it handled again, from its first try on, whatever became of it; one that waits is tried at once. `running`: somebody is at it, and
   * nothing was changed. Handling is idempotent, so a replay is always safe. `null`: there is none.
   */
  replayDelivery(guid: string): Promise<'ready' | 'running' | null>;
  /** The same for every dead letter. Returns how many. */
  replayDeadLetters(): Promise<number>;
  countDeliveries(): Promise<Record<DeliveryState, number>>;
  /** Which of these GUIDs are here, whatever became of them. */
  knownDeliveries(guids: readonly string[]): Promise<Set<string>>;
};

/** All queries, by subject. On the store each call stands for itself; in `transact` they share the transaction. */
export type Queries = {
  jobs: JobQueries;
  attempts: AttemptQueries;
  attemptTokens: AttemptTokenQueries;
  runners: RunnerQueries;
  effects: Omit<EffectQueries, 'want'>;
  timeline: TimelineQueries;
  memory: MemoryQueries;
  mail: CheckRunMailQueries;
  spending: SpendingQueries;
  sweeps: SweepQueries;
  commands: CommandQueries;
  reviews: ReviewQueries;
  patches: PatchQueries;
  writeLimits: WriteLimitQueries;
};

/** The queries of one transaction. */
export type StoreTx = Queries & {
  /** By the store's clock, the same throughout the transaction. */
  nowMs: number;
  /** Makes a side effect wanted, and wakes the outbox after the commit. */
  want(wanted: WantedEffect): Promise<void>;
  /** Adds a line to the job's timeline, and wakes who watches the job. */
  tell(jobId: JobId, kind: string, text: string): Promise<void>;
  /** Tells waiters after the commit; nobody hears of what was rolled back. */
  wake(topic: WakeTopic): void;
  /** Until the end of the transaction, nobody else who asks for the same turn goes on. */
  takeTurn(name: 'assign'): Promise<void>;
};

/** What must survive a restart. Nothing that decides is kept in memory; secrets are stored only as hashes, or sealed. */
export type Store = DeliveryStore &
  Queries & {
    /**
     * All of `work` or nothing of it, durable when it resolves. It may be run again when the database asks for it, so it must have no
     * effect of its own: no network call, and no call of the store itself, which would wait for the transaction for ever.
     */
    transact<T>(work: (tx: StoreTx) => Promise<T>): Promise<T>;
    /** The clock that counts. */
    nowMs(): Promise<number>;
    /** Hears of every commit that woke something, until the returned function is called. A wake-up may be lost: look again now and then. */
    subscribe(listener: (topic: WakeTopic) => void): () => void;
    /** Puts deliveries and effects back in line whose worker has vanished. Returns how many. */
    requeueLapsedTasks(): Promise<number>;
    /** Forgets finished deliveries, effects and answers that can't come back any more, and logs of attempts that ended long ago. */
    prune(): Promise<void>;
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
  };
