import type { AttemptId } from '../../contract/identifiers.ts';
import { isTerminal } from '../../domain/job-lifecycle.ts';
import { BUDGETS } from '../../domain/timings.ts';
import { GitHubError } from '../../github/github-error.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { toExternalId } from '../check-run-identity.ts';
import { closeCancelled, closeUnstartable } from '../end-attempt.ts';
import { lockAttempt } from '../lease.ts';
import { waitsByItself } from '../want-looks.ts';
import { wantStatusComment } from '../want-report.ts';
import { type EffectContext, type EffectDeps, toTarget } from './effect-deps.ts';
import { readRevisionStart } from './revision-start.ts';

type Started = StoredAttempt & { checkRun: NonNullable<StoredAttempt['checkRun']> };

/** Gives an attempt its start commit and its check run; then the job can be offered. What an earlier try has done is not done again. */
export async function startAttempt(
  attemptId: AttemptId,
  context: EffectContext,
  deps: EffectDeps,
): Promise<void> {
  const attempt = await deps.store.attempts.get(attemptId);
  const job = attempt && (await deps.store.jobs.get(attempt.jobId));
  if (!job || attempt.checkRun !== null || !isStillWanted(job, attempt)) return;
  // It begins from what it waits for; whoever lets it go on wants this again.
  if (attempt.startCommit === null && waitsByItself(job)) return;

  const mayExist = context.isRepeat || attempt.startCommit !== null;
  const onBranch = attempt.startCommit === null ? await begin(job, attempt, deps) : { job, attempt };
  if (!onBranch) return;
  const checkRun = await createCheckRun(onBranch.job, onBranch.attempt, mayExist, deps);
  await makeOfferable({ ...onBranch.attempt, checkRun }, deps);
}

/** When GitHub refuses for good: the job ends with its words. */
export async function giveUpStart(attemptId: AttemptId, error: Error, deps: EffectDeps): Promise<void> {
  await deps.store.transact(async (tx) => {
    const held = await lockAttempt(tx, attemptId);
    if (!held || !isStillWanted(held.job, held.attempt)) return;
    const { job, attempt } = held;
    if (error instanceof GitHubError && error.kind === 'gone') {
      const reason = `The repository can’t be reached any more: ${error.message}`;
      await closeCancelled(tx, job, attempt, { reason, result: null });
      return;
    }
    const reason =
      error instanceof GitHubError
        ? `GitHub does not let the work begin: ${error.message}`
        : `The work could not be begun because of an error in the coordinator: ${error.message}`;
    await closeUnstartable(tx, job, attempt, { state: 'failed', reason });
  });
}

function isStillWanted(job: StoredJob, attempt: StoredAttempt): boolean {
  return job.attemptId === attempt.id && attempt.finishedAtMs === null && !isTerminal(job.state);
}

/** `null` if the job was ended meanwhile. */
async function begin(
  job: StoredJob,
  attempt: StoredAttempt,
  deps: EffectDeps,
): Promise<{ job: StoredJob; attempt: StoredAttempt } | null> {
  if (job.kind === 'resolve') return createStartCommit(job, attempt, deps);
  const found = await readRevisionStart(job, deps);
  if (found.kind === 'start') {
    const { base, baseHead } = found;
    return keepStartCommit(
      attempt.id,
      { branch: job.branch, base, baseHead, startCommit: base.commit },
      deps,
    );
  }
  await deps.store.transact(async (tx) => {
    const held = await lockAttempt(tx, attempt.id);
    if (held && isStillWanted(held.job, held.attempt))
      await closeCancelled(tx, held.job, held.attempt, { reason: found.reason, result: null });
  });
  return null;
}

async function createStartCommit(
  job: StoredJob,
  attempt: StoredAttempt,
  deps: EffectDeps,
): Promise<{ job: StoredJob; attempt: StoredAttempt } | null> {
  const earlier = (await deps.store.attempts.ofJob(job.id)).filter((other) => other.number < attempt.number);
  const takeOver = earlier.flatMap(({ startCommit, announcedCommit }) =>
    [startCommit, announcedCommit].filter((commit) => commit !== null),
  );

  for (const branch of branchNames(job.branch)) {
    const wanted = {
      branch,
      base: job.settings.pullRequest?.base,
      message: deps.texts.toStartCommitMessage({ job: { ...job, branch }, attempt }),
      takeOver,
    };
    try {
      const { base, startCommit } = await deps.github.ensureStartCommit(toTarget(job), wanted);
      return await keepStartCommit(attempt.id, { branch, base, baseHead: null, startCommit }, deps);
    } catch (error) {
      if (!(error instanceof GitHubError) || error.kind !== 'conflict') throw error;
      // Somebody's work is on that branch; it is left alone, and the next name is tried.
      deps.log.info({ err: error, jobId: job.id, branch }, 'The branch is taken');
    }
  }
  throw new GitHubError(
    'conflict',
    `The branch ${job.branch} and its next names are all taken; delete old ones.`,
  );
}

/** Kept at once, so that a crash before the check run does not lead to a second commit. */
async function keepStartCommit(
  attemptId: AttemptId,
  start: {
    branch: string;
    base: NonNullable<StoredAttempt['base']>;
    baseHead: string | null;
    startCommit: string;
  },
  deps: EffectDeps,
): Promise<{ job: StoredJob; attempt: StoredAttempt } | null> {
  const { branch, base, baseHead, startCommit } = start;
  return deps.store.transact(async (tx) => {
    const held = await lockAttempt(tx, attemptId);
    // Its check run stands on the commit of whoever took over.
    if (!held || held.attempt.checkRun !== null) return null;
    const { job, attempt } = held;
    await tx.attempts.change(attempt.id, { branch, base, baseHead, startCommit });
    if (branch !== job.branch) await tx.jobs.change(job.id, { branch }, tx.nowMs);
    if (!isStillWanted(job, attempt)) {
      await tx.want({ effect: { kind: 'clean-branch', jobId: job.id }, installationId: job.installationId });
      return null;
    }
    return { job: { ...job, branch }, attempt: { ...attempt, base, baseHead, startCommit } };
  });
}

async function createCheckRun(
  job: StoredJob,
  attempt: StoredAttempt,
  mayExist: boolean,
  deps: EffectDeps,
): Promise<Started['checkRun']> {
  if (attempt.startCommit === null)
    throw new Error(`Attempt ${attempt.id} has no start commit for its check run`);
  return deps.github.ensureCheckRun(toTarget(job), {
    ...deps.texts.toCheckRun({ job, attempt }),
    headCommit: attempt.startCommit,
    externalId: toExternalId(attempt),
    mayExist,
  });
}

async function makeOfferable(started: Started, deps: EffectDeps): Promise<void> {
  await deps.store.transact(async (tx) => {
    const held = await lockAttempt(tx, started.id);
    if (!held) return;
    const { job, attempt } = held;
    if (attempt.checkRun !== null) {
      // A coordinator that took this one for gone was faster; a runner may know of its check run already.
      const facts = { attemptId: attempt.id, checkRun: attempt.checkRun, ours: started.checkRun };
      if (started.checkRun.id !== attempt.checkRun.id)
        deps.log.warn(facts, 'An attempt has a second check run, which stays without a result');
      return;
    }
    await tx.attempts.change(attempt.id, { checkRun: started.checkRun });
    if (!isStillWanted(job, attempt)) {
      // Ended while the check run was being made: nobody else can close it.
      await tx.want({
        effect: { kind: 'check-run', attemptId: attempt.id },
        installationId: job.installationId,
      });
      return;
    }
    await tx.jobs.change(job.id, { ready: true }, tx.nowMs);
    await tx.tell(job.id, 'ready', `Branch ${job.branch} and check run are in place`);
    await wantStatusComment(tx, job);
    tx.wake('queue');
  });
}

/** The wanted name, then `-2`, `-3` and so on; a number from an earlier attempt is counted on. */
function branchNames(wanted: string): string[] {
  const match = /^(.+-.+)-([2-9])$/.exec(wanted);
  const stem = match?.[1] ?? wanted;
  const first = Number(match?.[2] ?? 1);
  return Array.from({ length: BUDGETS.branchNames }, (_, index) =>
    index === 0 ? wanted : `${stem}-${first + index}`,
  );
}
