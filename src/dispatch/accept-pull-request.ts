import type { PullRequestEnd } from '../domain/job.ts';
import type { Trigger } from '../domain/trigger.ts';
import type { PullRequestReading } from '../github/github.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { cancelJob } from './cancel-job.ts';
import type { RecordTrigger, TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';
import { wantLooksAtFollowers } from './want-looks.ts';
import { wantStatusComment } from './want-report.ts';

type TurnedTrigger = Extract<Trigger, { kind: 'pull_request_ended' | 'pull_request_reopened' }>;
type Deps = Pick<TriggerDeps, 'store' | 'github' | 'timings'>;

/**
 * A pull request was merged, closed or opened again: its job keeps what became of it, and the last of it is tidied up. What counts is how
 * GitHub has it now, since webhooks come late and in any order.
 */
export async function acceptPullRequestTurn(
  trigger: TurnedTrigger,
  { store, github, timings }: Deps,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const { target, pullRequestNumber, sender } = trigger;
  const job = await store.jobs.ofPullRequest(target.repository.id, pullRequestNumber);
  // Most pull requests: of them nothing is kept.
  if (job === null) return ignored('the pull request is none of ours');
  const pull = await github.readPullRequest(target, pullRequestNumber);
  if (pull === null) return record(async () => ignored('the pull request can’t be read any more'));
  return record((tx) => keepTurn(tx, job, pull, sender.id === 0 ? null : sender.login, timings));
}

/** The job keeps how its pull request is now, and what has to follow is wanted; `sender`: who did it, if GitHub doesn't say. */
export async function keepTurn(
  tx: StoreTx,
  { id }: StoredJob,
  pull: PullRequestReading,
  sender: string | null,
  timings: Deps['timings'],
): Promise<TriggerOutcome> {
  const job = await tx.jobs.lock(id);
  if (job?.pullRequest == null) return ignored('the pull request is none of ours any more');
  const { number, url, ended: before } = job.pullRequest;
  if (pull.state === (before?.how ?? 'open')) return ignored(`pull request #${number} is as it was`);

  const ended: PullRequestEnd | undefined =
    pull.state === 'open'
      ? undefined
      : { how: pull.state, by: pull.mergedBy ?? sender, atMs: Date.parse(pull.closedAt ?? '') || tx.nowMs };
  const pullRequest = ended === undefined ? { number, url } : { number, url, ended };
  await tx.jobs.change(id, { pullRequest }, tx.nowMs);
  const text = toLine(number, ended);
  await tx.tell(id, `pull_request_${ended?.how ?? 'reopened'}`, text);
  if (ended !== undefined) await wantTidy(tx, job);
  if (ended !== undefined) await cancelRevisions(tx, job, number, text, timings);
  await wantLooksAtFollowers(tx, job);
  await wantStatusComment(tx, job, 'final');
  return { kind: 'noted', reason: text };
}

/** What is under way would have nowhere to go. */
async function cancelRevisions(
  tx: StoreTx,
  { repository, issue }: StoredJob,
  pullRequestNumber: number,
  reason: string,
  timings: Deps['timings'],
): Promise<void> {
  for (const { id, revision } of await tx.jobs.liveOfIssue(repository.id, issue.number)) {
    const job = revision?.pullRequest.number === pullRequestNumber ? await tx.jobs.lock(id) : null;
    if (job) await cancelJob(tx, job, reason, timings);
  }
}

/** The effects look themselves whether the settings want it, and whether it is still right. */
async function wantTidy(tx: StoreTx, { id: jobId, installationId, label }: StoredJob): Promise<void> {
  await tx.want({ effect: { kind: 'clean-branch', jobId }, installationId });
  if (label !== null) await tx.want({ effect: { kind: 'clean-label', jobId }, installationId });
}

function toLine(number: number, ended: PullRequestEnd | undefined): string {
  if (ended === undefined) return `Pull request #${number} is open again`;
  const by = ended.by === null ? '' : ` by ${ended.by}`;
  return ended.how === 'merged'
    ? `Pull request #${number} was merged${by}`
    : `Pull request #${number} was closed${by} without being merged`;
}

function ignored(reason: string): TriggerOutcome {
  return { kind: 'ignored', reason };
}
