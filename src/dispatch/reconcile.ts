import { GitHubError } from '../github/github-error.ts';
import type { SweepReads } from '../github/sweep-reads.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { sweepDeliveries } from './reconcile-deliveries.ts';
import { sweepInstallations } from './reconcile-installations.ts';
import { createIssueSweep } from './reconcile-issues.ts';
import { sweepQueuePlaces } from './reconcile-queue-places.ts';
import { sweepReports } from './reconcile-reports.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';
import {
  DELIVERY_SWEEP,
  INSTALLATION_SWEEP,
  ISSUE_SWEEP,
  QUEUE_PLACE_SWEEP,
  REPORT_SWEEP,
} from './sweep-names.ts';

export type SweepName = 'deliveries' | 'issues' | 'reports' | 'installations' | 'queue-places';

/** Finds what webhooks missed and what people or crashes have undone. */
export type Reconciler = {
  /** Looks at once for what happened while no coordinator was there, then now and then, until it is stopped. */
  start(): void;
  /** One round, whether it is due or not. Idempotent, also beside another coordinator's. Throws `GitHubError` when GitHub can't be asked. */
  sweep(name: SweepName): Promise<SweepFindings>;
  /** What is under way ends with what it has just asked of GitHub: another round takes it up. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Between looks whether a sweep is due. */
const LOOK_SECONDS = 5;

export function createReconciler(deps: SweepDeps): Reconciler {
  const { store, clock, timings, log } = deps;
  const stopping = new AbortController();
  const ending = { ...deps, reads: endWith(deps.reads, stopping.signal) };
  const sweepIssues = createIssueSweep(ending);
  let loop: Promise<void> | null = null;

  /** Repositories first: the others go through what it finds. */
  const sweeps: Readonly<Record<SweepName, { everySeconds: number; run: () => Promise<SweepFindings> }>> = {
    [INSTALLATION_SWEEP]: {
      everySeconds: timings.installationSweepSeconds,
      run: () => sweepInstallations(ending),
    },
    [DELIVERY_SWEEP]: { everySeconds: timings.deliverySweepSeconds, run: () => sweepDeliveries(ending) },
    [ISSUE_SWEEP]: { everySeconds: timings.issueSweepSeconds, run: () => sweepIssues() },
    [REPORT_SWEEP]: { everySeconds: timings.reportSweepSeconds, run: () => sweepReports(ending) },
    [QUEUE_PLACE_SWEEP]: { everySeconds: timings.queuePlaceSeconds, run: () => sweepQueuePlaces(ending) },
  };
  const names = Object.keys(sweeps) as SweepName[];

  async function run(): Promise<void> {
    await survive('at the start', async () => {
      // What was labelled, closed or uninstalled while nobody listened should not wait for its turn.
      const nowMs = await store.nowMs();
      for (const name of [INSTALLATION_SWEEP, ISSUE_SWEEP]) await store.sweeps.hurry(name, nowMs);
    });
    while (!stopping.signal.aborted) {
      for (const name of names) {
        if (!stopping.signal.aborted) await survive(name, () => sweepWhenDue(name));
      }
      // Stopping ends the wait early; the loop ends by itself.
      await clock.sleep(LOOK_SECONDS * 1000, stopping.signal).catch(() => undefined);
    }
  }

  /** One coordinator at a time; of one that dies in the middle, another takes the sweep over. */
  async function sweepWhenDue(name: SweepName): Promise<void> {
    const nowMs = await store.nowMs();
    if (!(await store.sweeps.take(name, nowMs, nowMs + timings.sweepLeaseSeconds * 1000))) return;
    let nextSeconds = timings.sweepRetrySeconds;
    try {
      await sweep(name);
      nextSeconds = sweeps[name].everySeconds;
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      nextSeconds = Math.max(nextSeconds, (error.retryAfterMs ?? 0) / 1000);
      log.warn({ reason: error.message, sweep: name, nextSeconds }, 'GitHub could not be asked in a sweep');
    } finally {
      await store.sweeps.release(name, (await store.nowMs()) + nextSeconds * 1000);
    }
  }

  async function sweep(name: SweepName): Promise<SweepFindings> {
    const findings = await sweeps[name].run();
    const isAmiss = Object.values(findings).some((count) => count > 0);
    log[isAmiss ? 'info' : 'debug']({ sweep: name, ...findings }, 'A sweep is through');
    return findings;
  }

  async function survive(name: string, round: () => Promise<void>): Promise<void> {
    try {
      await round();
    } catch (error) {
      if (stopping.signal.aborted && error === stopping.signal.reason) return;
      log.error({ err: error, sweep: name }, 'A sweep failed; it is done again later');
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await loop;
  }

  return {
    start() {
      loop ??= run();
    },
    sweep,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The same reads, none of which is waited for once the signal has aborted: with GitHub away each takes its time to fail. */
function endWith(reads: SweepReads, signal: AbortSignal): SweepReads {
  const ended = Object.entries(reads).map(([name, read]) => [
    name,
    // Every one of them takes what it takes, and answers a promise.
    (...given: unknown[]) => unlessAborted((read as Read)(...given), signal),
  ]);
  return Object.fromEntries(ended) as SweepReads;
}

type Read = (...given: unknown[]) => Promise<unknown>;
