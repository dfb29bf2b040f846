import { BUDGETS } from '../domain/timings.ts';
import { GitHubError, type GitHubErrorKind } from '../github/github-error.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';
import { DELIVERY_SWEEP } from './sweep-names.ts';

/** GitHub redelivers no older ones. */
const WINDOW_MS = 3 * 24 * 60 * 60_000;
/** With these it is GitHub that can't be asked just now; the round is done again. */
const PASSING: ReadonlySet<GitHubErrorKind> = new Set(['rate_limited', 'unavailable']);
/** GitHub lists a delivery a little after it was made. */
const OVERLAP_MS = 60_000;

/**
 * Has GitHub send again what failed and is not in the inbox: once for each webhook, however often it failed. What GitHub can't deliver
 * this time is a new failure, and found by the next round. What became a dead letter here is for people, not for GitHub.
 */
export async function sweepDeliveries(
  deps: Pick<SweepDeps, 'store' | 'reads' | 'isHandled' | 'log'>,
): Promise<SweepFindings> {
  const { store, reads } = deps;
  const nowMs = await store.nowMs();
  const mark = Number((await store.sweeps.getMark(DELIVERY_SWEEP)) ?? 0);
  const listed = await reads.failedDeliveries(Math.max(nowMs - WINDOW_MS, mark - OVERLAP_MS));
  const failed = listed.filter(({ event, action }) =>
    deps.isHandled(action === null ? event : `${event}.${action}`),
  );
  const known = await store.knownDeliveries(failed.map(({ guid }) => guid));

  // The list begins with the newest; of one webhook's attempts any will do.
  const missing = new Map(failed.filter(({ guid }) => !known.has(guid)).map((one) => [one.guid, one]));
  const inOrder = [...missing.values()].toReversed();
  const now = inOrder.slice(0, BUDGETS.redeliveries);
  let redelivered = 0;
  for (const { id, guid } of now) {
    try {
      await reads.redeliver(id);
      redelivered += 1;
    } catch (error) {
      if (!(error instanceof GitHubError) || PASSING.has(error.kind)) throw error;
      // The sweeps of issues and reports find what it was about.
      deps.log.warn({ err: error, guid }, 'GitHub does not redeliver a webhook; the next ones go on');
    }
  }

  // What was left over is looked for again.
  const reachedMs = inOrder[now.length]?.deliveredAtMs ?? listed[0]?.deliveredAtMs ?? mark;
  await store.sweeps.putMark(DELIVERY_SWEEP, String(Math.max(mark, reachedMs)));
  return { redelivered };
}
