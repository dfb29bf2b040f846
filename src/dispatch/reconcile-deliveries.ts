import { BUDGETS } from '../domain/timings.ts';
import { GitHubError, type GitHubErrorKind } from '../github/github-error.ts';
import type { HookDelivery, HookDeliveryPage } from '../github/sweep-reads.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';
import { DELIVERY_SWEEP } from './sweep-names.ts';

/** GitHub redelivers no older ones. */
const WINDOW_MS = 3 * 24 * 60 * 60_000;
/** With these it is GitHub that can't be asked just now; the round is done again. */
const PASSING: ReadonlySet<GitHubErrorKind> = new Set(['rate_limited', 'unavailable']);
/** GitHub lists a delivery a little after it was made. */
const OVERLAP_MS = 60_000;
/** Of 100 each: 30,000 failures. A round takes no more than this of the hourly requests with which the App also asks for its tokens. */
const MAX_PAGES = 300;

type Deps = Pick<SweepDeps, 'store' | 'reads' | 'isHandled' | 'log'>;

/**
 * Has GitHub send again what failed and is not in the inbox: once for each webhook, however often it failed, and the oldest first. What
 * GitHub can't deliver this time is a new failure, and found by the next round. What became a dead letter here is for people, not for GitHub.
 */
export async function sweepDeliveries(deps: Deps): Promise<SweepFindings> {
  const { store, reads } = deps;
  const nowMs = await store.nowMs();
  const mark = Number((await store.sweeps.getMark(DELIVERY_SWEEP)) ?? 0);
  const found = await findMissing(Math.max(nowMs - WINDOW_MS, mark - OVERLAP_MS), deps);
  const now = found.oldest.slice(0, BUDGETS.redeliveries);
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

  if (!found.isAll) {
    const facts = { read: MAX_PAGES * 100, redelivered };
    deps.log.warn(
      facts,
      'GitHub has more failed webhooks than a round reads; the older ones are looked for again',
    );
    return { redelivered };
  }
  // What was left over is looked for again.
  const reachedMs = found.oldest[now.length]?.deliveredAtMs ?? found.newestMs ?? mark;
  await store.sweeps.putMark(DELIVERY_SWEEP, String(Math.max(mark, reachedMs)));
  return { redelivered };
}

/**
 * What failed since then, means something to us and is not in the inbox: the oldest of it, one more than is asked for in a round, oldest
 * first. GitHub's list begins with the newest. `newestMs`: of all that failed; `isAll` is false when there is older than was read.
 */
async function findMissing(
  sinceMs: number,
  { store, reads, isHandled }: Deps,
): Promise<{ oldest: HookDelivery[]; newestMs: number | null; isAll: boolean }> {
  // Newest first, each webhook where its oldest attempt stands: any of them will do.
  const missing = new Map<string, HookDelivery>();
  let newestMs: number | null = null;
  let cursor: string | null = null;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { deliveries, next }: HookDeliveryPage = await reads.failedDeliveries(cursor);
    const recent = deliveries.filter(({ deliveredAtMs }) => deliveredAtMs >= sinceMs);
    newestMs ??= recent[0]?.deliveredAtMs ?? null;
    const failed = recent.filter(({ event, action }) =>
      isHandled(action === null ? event : `${event}.${action}`),
    );
    const known = await store.knownDeliveries(failed.map(({ guid }) => guid));
    for (const one of failed.filter(({ guid }) => !known.has(guid))) {
      missing.delete(one.guid);
      missing.set(one.guid, one);
    }
    for (const guid of [...missing.keys()].slice(0, -(BUDGETS.redeliveries + 1))) missing.delete(guid);
    cursor = next;
    if (recent.length < deliveries.length || cursor === null)
      return { oldest: [...missing.values()].toReversed(), newestMs, isAll: true };
  }
  return { oldest: [...missing.values()].toReversed(), newestMs, isAll: false };
}
