import { isLive } from '../../domain/job-lifecycle.ts';
import { STATUS_MARKER_BEGINNING } from '../../domain/status-comment-text.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import { findCheckRun } from './find-old-attempt.ts';
import { planJob } from './plan-job.ts';
import { readRecoveryMarker } from './recovery-marker.ts';
import { CLOCKS_APART_MS, type RecoveryDeps, type RecoveryPlan } from './recovery-plan.ts';

const BRANCHES = 'agent/';

/** Reads all that GitHub knows, and decides; changes nothing. Throws `GitHubError`. */
export async function planRecovery(deps: RecoveryDeps): Promise<RecoveryPlan> {
  const plan: RecoveryPlan = { repositories: [], jobs: [], dealtWith: [], strays: [], notBelieved: [] };
  for (const { id: installationId, isSuspended } of await deps.reads.installations()) {
    if (isSuspended) continue;
    for (const { repository, isArchived } of await deps.reads.repositories(installationId)) {
      if (!isArchived) await planRepository({ installationId, repository }, plan, deps);
    }
  }
  return plan;
}

async function planRepository(
  target: RepositoryTarget,
  plan: RecoveryPlan,
  deps: RecoveryDeps,
): Promise<void> {
  const { reads } = deps;
  plan.repositories.push(target);
  const branches = await reads.branches(target, BRANCHES);
  const known = new Set<string>();
  const issues = new Set<number>();
  for (const comment of await reads.ownComments(target, STATUS_MARKER_BEGINNING)) {
    const { issueNumber } = comment;
    const issue = { repositoryId: target.repository.id, issueNumber };
    const jobs = readRecoveryMarker(comment.body, issue, deps.recoveryKey);
    if (jobs === null) plan.notBelieved.push({ target, issueNumber });
    // Of two comments on one issue the one that was changed last is the current one.
    if (jobs === null || issues.has(issueNumber)) continue;
    issues.add(issueNumber);
    const published = new Set<string>();
    // The newest first.
    for (const facts of jobs.toSorted((a, b) => b.createdAtMs - a.createdAtMs)) {
      known.add(facts.id);
      // Of the work in a pull request the newest stands for all of it.
      const isToldOf = isLive(facts.state) || (facts.state === 'succeeded' && !published.has(facts.branch));
      const job = isToldOf
        ? await planJob(target, { facts, issueNumber, commentId: comment.id }, branches, deps)
        : null;
      if (job?.kind === 'published') published.add(facts.branch);
      if (job !== null) plan.jobs.push(job);
      else if (facts.label !== null) {
        const untilMs = facts.createdAtMs + CLOCKS_APART_MS;
        plan.dealtWith.push({ target, issueNumber, label: facts.label, untilMs });
      }
    }
  }
  for (const { branch, commit, message } of branches) {
    const [, jobId = ''] = /^Yardmaster-Job: (\S+)$/m.exec(message) ?? [];
    const [, attemptId = ''] = /^Yardmaster-Attempt: (\S+) /m.exec(message) ?? [];
    if (attemptId === '' || known.has(jobId)) continue;
    // Anybody can write such a message; the check run is the App's own.
    const checkRun = findCheckRun(await reads.checkRuns(target, commit), { jobId, id: attemptId });
    if (checkRun !== null && checkRun.status !== 'completed')
      plan.strays.push({ target, branch, commit, checkRunId: checkRun.id });
  }
}
