import type { JobId } from '../contract/identifiers.ts';
import type { Trigger } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { isUsedUp, toChecksWish } from './checks-wish.ts';
import { toRoundKey } from './review-round.ts';
import type { RecordTrigger, TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';
import { prepareRevision } from './wish-revision.ts';

type Of<Kind extends Trigger['kind']> = Extract<Trigger, { kind: Kind }>;
type Deps = Pick<TriggerDeps, 'store' | 'github' | 'newId' | 'timings'>;

/** Somebody wants changes on a pull request: of ours, it is reworked. */
export async function acceptReview(
  trigger: Of<'review_submitted'>,
  deps: Deps,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const { target, pullRequestNumber, reviewId, at, sender, key } = trigger;
  // Most pull requests: of them nothing is kept.
  if ((await deps.store.jobs.ofPullRequest(target.repository.id, pullRequestNumber)) === null)
    return ignored('the pull request is none of ours');
  const roundKey = toRoundKey(target.repository.id, reviewId);
  if (await deps.store.memory.hasTrigger(roundKey))
    return record(async () => ignored('a command in it began the round'));
  const reason = (who: string): string => `${who} requested changes`;
  const wish = { cause: 'review' as const, sender, at, checks: [], key, reason };
  const work = await prepareRevision(target, pullRequestNumber, wish, deps);
  return record(async (tx) => {
    const outcome = await work(tx);
    if (outcome.kind === 'started' || outcome.kind === 'noted')
      await tx.memory.rememberTrigger(roundKey, outcome.kind, tx.nowMs);
    return outcome;
  });
}

/** Somebody calls a thread of a review done, or not done any more. */
export async function acceptThreadTurn(
  { target, pullRequestNumber, threadId, isResolved }: Of<'thread_turned'>,
  { store }: Pick<Deps, 'store'>,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const repositoryId = target.repository.id;
  if ((await store.jobs.ofPullRequest(repositoryId, pullRequestNumber)) === null)
    return ignored('the pull request is none of ours');
  return record(async (tx) => {
    const thread = { repositoryId, pullNumber: pullRequestNumber, threadId, isResolved };
    await tx.reviews.noteThread(thread, tx.nowMs);
    return { kind: 'noted', reason: `a thread of pull request #${pullRequestNumber} was turned` };
  });
}

/** Checks of somebody else failed on a head of ours: it is reworked, if the settings want that, and so often on one head. */
export async function acceptFailedChecks(
  trigger: Of<'checks_failed'>,
  deps: Deps,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const { store, github } = deps;
  const { target, appId, checkSuiteId, headCommit, branch, key } = trigger;
  const repositoryId = target.repository.id;
  const published = await publishedOnBranch(store, repositoryId, branch);
  const number = published?.pullRequest?.number;
  if (published === null || number === undefined) return ignored('the branch is of no pull request of ours');
  const most = published.settings.pullRequest?.fixChecks ?? 0;
  if (most === 0) return ignored('the settings leave failed checks to people');
  if (appId === (await github.identity()).appId) return ignored('the checks are our own');
  const failed = await github.readFailedChecks(target, checkSuiteId);
  if (failed.checks.length === 0) return ignored('no check of the suite has failed');

  const head = { repositoryId, pullRequestNumber: number, headCommit, most };
  const wish = toChecksWish(head, failed, { key, nowMs: await store.nowMs() });
  const work = await prepareRevision(target, number, wish, deps);
  return record(work);
}

/** A status failed on a head of ours: all that failed there is looked at, once for all that come together, if the settings want it mended. */
export async function acceptFailedStatus(
  { target, branches, headCommit }: Of<'status_failed'>,
  { store }: Pick<Deps, 'store'>,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const { installationId, repository } = target;
  const looks: JobId[] = [];
  for (const branch of branches) {
    const published = await publishedOnBranch(store, repository.id, branch);
    const pull = published?.pullRequest;
    if (published === null || pull == null || pull.ended !== undefined) continue;
    const most = published.settings.pullRequest?.fixChecks ?? 0;
    const head = { repositoryId: repository.id, pullRequestNumber: pull.number, headCommit, most };
    if (most > 0 && !(await isUsedUp(store, head))) looks.push(published.id);
  }
  // Most statuses: of them nothing is kept.
  if (looks.length === 0) return ignored('nobody wants it mended on a pull request of ours');
  return record(async (tx) => {
    for (const jobId of looks) await tx.want({ effect: { kind: 'look-at-checks', jobId }, installationId });
    return { kind: 'noted', reason: 'what failed on the pull request is looked at' };
  });
}

/** The newest work that is in the pull request of the branch; `null` when none of ours is. */
async function publishedOnBranch(
  store: Pick<TriggerDeps['store'], 'jobs'>,
  repositoryId: number,
  branch: string,
): Promise<StoredJob | null> {
  const newest = await store.jobs.ofBranch(repositoryId, branch);
  const number = newest?.pullRequest?.number ?? newest?.revision?.pullRequest.number;
  return number === undefined ? null : store.jobs.ofPullRequest(repositoryId, number);
}

function ignored(reason: string): TriggerOutcome {
  return { kind: 'ignored', reason };
}
