import { createHash } from 'node:crypto';
import type { JobId } from '../contract/identifiers.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { toTarget } from './effects/effect-deps.ts';
import { lookAtWaiting } from './waiting-jobs.ts';
import { waitsByItself } from './want-looks.ts';
import { liveJobs } from './live-jobs.ts';
import { sayCheckRunAgain, sayStatusAgain, statusCommentKey } from './say-again.ts';
import { INSTALLATION_SWEEP, REPORT_SWEEP } from './sweep-names.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';
import { sweepEach } from './sweep-each.ts';
import { isTerminal } from '../domain/job-lifecycle.ts';
import { JOBS_READ } from './jobs-read.ts';
import { wantNextRound } from './next-round.ts';

/** The issue was deleted or moved: nobody did it that we know of. */
const SOMEBODY = { login: 'somebody', id: 0, isBot: false };

/** Last words may still be on their way. */
const ENDED_GRACE_MS = 600_000;

type Found = { ended: number; unblocked: number; checkRuns: number; comments: number };

/**
 * For each live job: is its issue still there, are its check runs what they should be, does its comment say what we wrote? What isn't so
 * is wanted anew. Some three requests a job. And are the check runs of those that ended since the last time completed? One request each.
 * Pull requests whose settings want conflicts resolved, or failed checks worked on, are looked at for any.
 */
export async function sweepReports(deps: SweepDeps): Promise<SweepFindings> {
  const found: Found = { ended: 0, unblocked: 0, checkRuns: 0, comments: 0 };
  let isOutOfReach = false;
  await sweepEach(
    liveJobs(deps.store),
    async (job) => {
      if (!(await look(job, found, deps))) isOutOfReach = true;
    },
    (job, error) => {
      isOutOfReach = true;
      deps.log.info({ err: error, jobId: job.id }, 'A live job can not be looked at on GitHub');
    },
  );
  // The other sweep finds out whether the repository was transferred or taken from us, and says that.
  if (isOutOfReach) await deps.store.sweeps.hurry(INSTALLATION_SWEEP, await deps.store.nowMs());
  found.checkRuns += await repairEnded(deps);
  await lookAtPullRequests(deps);
  await lookForWaitingReviews(deps);
  return found;
}

/**
 * A push that no webhook told of may have brought conflicts to a pull request whose settings want them resolved. And of failed checks no
 * webhook tells again when a round was under way; of statuses none at all where the App has not the permission.
 */
async function lookAtPullRequests({ store }: SweepDeps): Promise<void> {
  for (const { repository } of await store.sweeps.repositories()) {
    const open = await store.jobs.withOpenPullRequest(repository.id);
    const wanted = open.flatMap(({ id: jobId, installationId, settings: { pullRequest } }) => [
      ...(pullRequest?.resolveConflicts === true ? [lookAt('look-at-conflicts', jobId, installationId)] : []),
      ...((pullRequest?.fixChecks ?? 0) > 0 ? [lookAt('look-at-checks', jobId, installationId)] : []),
    ]);
    if (wanted.length === 0) continue;
    await store.transact(async (tx) => {
      for (const look of wanted) await tx.want(look);
    });
  }
}

function lookAt(kind: 'look-at-conflicts' | 'look-at-checks', jobId: JobId, installationId: number) {
  return { effect: { kind, jobId }, installationId };
}

/** The end of a round has begun the next one, unless GitHub did not take what came between. */
async function lookForWaitingReviews({ store }: SweepDeps): Promise<void> {
  for (const { repositoryId, pullNumber } of await store.reviews.listWaiting()) {
    const job = await store.jobs.ofPullRequest(repositoryId, pullNumber);
    const newest = job && (await store.jobs.ofIssue(repositoryId, job.issue.number, JOBS_READ));
    const last = newest?.find(({ revision }) => revision?.pullRequest.number === pullNumber);
    await store.transact(async (tx) => {
      if (last === undefined) await tx.reviews.dropWaiting(repositoryId, pullNumber);
      else if (isTerminal(last.state)) await wantNextRound(tx, last);
    });
  }
}

/** False when nothing of the job's repository can be seen. */
async function look(job: StoredJob, found: Found, deps: SweepDeps): Promise<boolean> {
  const issue = await deps.github.readIssue(toTarget(job), job.issue.number);
  if (!issue.found && !(await deps.reads.isUsable(toTarget(job)))) return false;
  if (!issue.found || issue.state === 'closed' || issue.locked) {
    const how = issue.found ? (issue.locked ? 'locked' : 'closed') : 'deleted';
    const { acceptTrigger, store } = deps;
    const key = `issue_${how}:sweep:${job.id}:${await store.nowMs()}`;
    const trigger = { target: toTarget(job), issueNumber: job.issue.number, how, sender: SOMEBODY } as const;
    const { kind } = await acceptTrigger({ kind: 'issue_ended', key, ...trigger });
    if (kind === 'cancelled') found.ended += 1;
    return true;
  }
  if (waitsByItself(job) && (await lookAtWaiting(job.id, deps))) found.unblocked += 1;
  found.checkRuns += await repairCheckRuns(job, deps);
  found.comments += await repairComment(job, deps);
  return true;
}

/** A check run that waits is ours; one in the hands of a runner is left to it. */
async function repairCheckRuns(job: StoredJob, { store, reads }: SweepDeps): Promise<number> {
  let repaired = 0;
  for (const attempt of await store.attempts.ofJob(job.id)) {
    if (attempt.checkRun === null) continue;
    const isWaiting = attempt.id === job.attemptId && (job.state === 'queued' || job.state === 'held');
    if (!isWaiting && attempt.finishedAtMs === null) continue;
    const status = await reads.checkRunStatus(toTarget(job), attempt.checkRun.id);
    if (isWaiting ? status === 'queued' : status === 'completed' || status === null) continue;
    if (isWaiting) repaired += Number(await replace(job, attempt));
    else {
      await store.transact((tx) => sayCheckRunAgain(tx, job, attempt));
      repaired += 1;
    }
  }
  return repaired;

  /** Completed by somebody, or by GitHub because it waited for too long, or gone: a new one takes its place on the same commit. */
  async function replace(job: StoredJob, attempt: StoredAttempt): Promise<boolean> {
    return store.transact(async (tx) => {
      const now = await tx.jobs.lock(job.id);
      const mayReplace = now?.attemptId === attempt.id && (now.state === 'queued' || now.state === 'held');
      if (!mayReplace) return false;
      await tx.attempts.change(attempt.id, { checkRun: null });
      await tx.jobs.change(job.id, { ready: false }, tx.nowMs);
      await tx.want({
        effect: { kind: 'attempt-start', attemptId: attempt.id },
        installationId: job.installationId,
      });
      await tx.tell(
        job.id,
        'repaired',
        'Its check run was no longer waiting on GitHub, so it gets a new one',
      );
      return true;
    });
  }
}

/** Ended, and on GitHub it is not: a late word of its runner, or one of ours that got lost. No check run of ours waits for ever. */
async function repairEnded(deps: SweepDeps): Promise<number> {
  const { store, reads, timings, log } = deps;
  const nowMs = await store.nowMs();
  let repaired = 0;
  const mark = await store.sweeps.getMark(REPORT_SWEEP);
  const untilMs = nowMs - ENDED_GRACE_MS;
  const sinceMs = mark === null ? untilMs - timings.reportSweepSeconds * 1000 : Number(mark);
  await sweepEach(
    await store.attempts.ended(sinceMs, untilMs),
    async (attempt) => {
      const job = await store.jobs.get(attempt.jobId);
      if (job === null || attempt.checkRun === null) return;
      const status = await reads.checkRunStatus(toTarget(job), attempt.checkRun.id);
      if (status === 'completed' || status === null) return;
      await store.transact((tx) => sayCheckRunAgain(tx, job, attempt));
      repaired += 1;
    },
    ({ jobId }, error) =>
      log.info({ err: error, jobId }, 'The check run of a job can not be looked at on GitHub'),
  );
  await store.sweeps.putMark(REPORT_SWEEP, String(Math.max(sinceMs, untilMs)));
  return repaired;
}

async function repairComment(job: StoredJob, { store, reads }: SweepDeps): Promise<number> {
  const key = statusCommentKey({ repositoryId: job.repository.id, issueNumber: job.issue.number });
  const sent = await store.memory.getGitHubObject(key);
  if (sent === null || sent.objectId === null || sent.bodyHash === null) return 0;
  const body = await reads.commentBody(toTarget(job), sent.objectId);
  if (body !== null && createHash('sha256').update(body).digest('hex') === sent.bodyHash) return 0;
  await store.transact((tx) => sayStatusAgain(tx, job));
  return 1;
}
