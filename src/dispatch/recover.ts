import type { AttemptId } from '../contract/identifiers.ts';
import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import { isLive } from '../domain/job-lifecycle.ts';
import type { Situation } from '../domain/decide.ts';
import { STATUS_MARKER_BEGINNING } from '../domain/status-comment-text.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { FoundCheckRun, RecoveryReads } from '../github/recovery-reads.ts';
import type { SweepReads } from '../github/sweep-reads.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { parseExternalId } from './check-run-identity.ts';
import { newAttempt } from './new-attempt.ts';
import { readSettingsWithAliases } from './read-situation.ts';
import { hashText, type JobFacts, readRecoveryMarker } from './recovery-marker.ts';
import { wantStatusComment } from './want-report.ts';

const BRANCHES = 'agent/';
/** GitHub's clock and ours may differ by this much. */
const CLOCKS_APART_MS = 5 * 60_000;

export type RecoveryDeps = {
  store: Store;
  github: GitHub;
  reads: SweepReads & RecoveryReads;
  recoveryKey: Uint8Array;
  newId: () => string;
};

type OldAttempt = {
  id: AttemptId;
  number: number;
  startCommit: string | null;
  /** Work that was pushed and led to no pull request. */
  pushedCommit: string | null;
  checkRun: StoredAttempt['checkRun'];
};

/** What becomes of a job that GitHub knows of. */
export type RecoveredJob = {
  target: RepositoryTarget;
  commentId: number;
  facts: JobFacts;
  issue: IssueSnapshot | null;
  oldAttempt: OldAttempt | null;
} & (
  | { kind: 'again'; reason: string; needs: string[]; settings: Situation['settings'] }
  | { kind: 'linked'; reason: string; pullRequest: { number: number; url: string } }
  /** It is over, and its pull request is open: that can be reworked. */
  | {
      kind: 'published';
      reason: string;
      pullRequest: { number: number; url: string };
      settings: Situation['settings'];
    }
  | { kind: 'ended'; reason: string }
);

/** What is to be done, before any of it is. */
export type RecoveryPlan = {
  repositories: RepositoryTarget[];
  jobs: RecoveredJob[];
  /** What a label asked for that is over, so that it is not taken for new. */
  dealtWith: { target: RepositoryTarget; issueNumber: number; label: string; untilMs: number }[];
  /** Branches of attempts that no comment tells of: their issues' labels start them anew. */
  strays: { target: RepositoryTarget; branch: string; commit: string; checkRunId: number }[];
  /** Comments whose marks were not written by this App's coordinator, or for another issue. */
  notBelieved: { target: RepositoryTarget; issueNumber: number }[];
};

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

type Branches = Awaited<ReturnType<RecoveryReads['branches']>>;

/** `null`: it ended well, and there is nothing to do. */
async function planJob(
  target: RepositoryTarget,
  found: { facts: JobFacts; issueNumber: number; commentId: number },
  branches: Branches,
  deps: RecoveryDeps,
): Promise<RecoveredJob | null> {
  const { facts, issueNumber, commentId } = found;
  const all = await deps.reads.pullRequests(target, facts.branch);
  const [pullRequest] = all.filter(({ createdAtMs }) => createdAtMs >= facts.createdAtMs - CLOCKS_APART_MS);
  const isOver = facts.state === 'succeeded' && (facts.kind === 'revise' || pullRequest !== undefined);
  if (isOver) return planPublished(target, found, all.find(({ isOpen }) => isOpen) ?? null, deps);

  const reading = await deps.github.readIssue(target, issueNumber);
  const oldAttempt = await readOldAttempt(target, facts, branches, deps);
  const issue = reading.found ? reading.issue : null;
  const base = { target, commentId, facts, issue, oldAttempt: oldAttempt?.attempt ?? null };
  const ended = (reason: string): RecoveredJob => ({ ...base, kind: 'ended', reason });

  if (pullRequest !== undefined) {
    const { number, url } = pullRequest;
    return {
      ...base,
      kind: 'linked',
      reason: `pull request #${number} is there`,
      pullRequest: { number, url },
    };
  }
  if (!reading.found) return ended(`The issue can’t be read: ${reason(reading)}`);
  if (reading.state === 'closed') return ended('The issue was closed');
  if (reading.locked) return ended('The issue was locked');
  const { label } = facts;
  if (label !== null && !reading.issue.labels.some((name) => name.toLowerCase() === label.toLowerCase()))
    return ended(`The label "${label}" was removed`);
  if (facts.state === 'cancelling' || oldAttempt?.conclusion === 'cancelled')
    return ended('It was cancelled');
  if (hashText(reading.issue) !== facts.textHash)
    return ended('The issue has changed since the work was asked for. Remove the label and add it again');
  if (facts.kind !== 'resolve')
    return ended('Work on an open pull request can’t be rebuilt. Ask for it again');
  const { settings } = await readSettingsWithAliases(target, deps);
  const specialty = settings.specialties.get(facts.specialty);
  if (specialty === undefined) return ended(`The settings know no specialty "${facts.specialty}" any more`);
  return { ...base, kind: 'again', reason: `it was ${facts.state}`, needs: specialty.needs, settings };
}

/** Nobody has to do anything about it, but whoever asks for more of it must find it. `null`: there is nothing to ask for. */
async function planPublished(
  target: RepositoryTarget,
  { facts, issueNumber, commentId }: { facts: JobFacts; issueNumber: number; commentId: number },
  open: { number: number; url: string } | null,
  deps: RecoveryDeps,
): Promise<RecoveredJob | null> {
  if (open === null) return null;
  const reading = await deps.github.readIssue(target, issueNumber);
  if (!reading.found) return null;
  const { number, url } = open;
  const { settings } = await readSettingsWithAliases(target, deps);
  return {
    target,
    commentId,
    facts,
    // No later edit of the issue reaches an agent.
    issue: hashText(reading.issue) === facts.textHash ? reading.issue : withoutText(reading.issue),
    oldAttempt: null,
    kind: 'published',
    reason: `pull request #${number} is open`,
    pullRequest: { number, url },
    settings,
  };
}

function withoutText(issue: IssueSnapshot): IssueSnapshot {
  const body =
    'The text of the issue has changed since the work was asked for, and what it was then is lost.';
  return { ...issue, title: `Issue ${issue.number}`, body };
}

function reason(reading: { found: boolean; reason?: string }): string {
  return reading.reason ?? 'it is not there';
}

async function readOldAttempt(
  target: RepositoryTarget,
  facts: JobFacts,
  branches: Branches,
  { reads }: RecoveryDeps,
): Promise<{ attempt: OldAttempt; conclusion: string | null } | null> {
  if (facts.attempt === null) return null;
  const { id, number } = facts.attempt;
  const head = branches.find(({ branch }) => branch === facts.branch);
  const lines = head?.message.split('\n') ?? [];
  const isStart = lines.some((line) => line.startsWith(`Yardmaster-Attempt: ${id} `));
  const isWork = !isStart && lines.includes(`Yardmaster-Job: ${facts.id}`);
  // A comment may be older than the commit that it should tell of.
  const startCommit = (isStart ? head?.commit : null) ?? facts.attempt.startCommit;
  const checkRun =
    startCommit === null
      ? null
      : findCheckRun(await reads.checkRuns(target, startCommit), { id, jobId: facts.id });
  return {
    attempt: {
      id,
      number,
      startCommit,
      pushedCommit: isWork ? (head?.commit ?? null) : null,
      checkRun: checkRun && { id: checkRun.id, url: checkRun.url },
    },
    conclusion: checkRun?.conclusion ?? null,
  };
}

/** Also where the coordinator has written behind its `external_id`, for a runner that only reaches GitHub. */
function findCheckRun(
  checkRuns: readonly FoundCheckRun[],
  attempt: { id: string; jobId: string },
): FoundCheckRun | null {
  const isOf = ({ externalId }: FoundCheckRun): boolean => {
    const named = parseExternalId(externalId);
    return named?.attemptId === attempt.id && named.jobId === attempt.jobId;
  };
  return checkRuns.find(isOf) ?? null;
}

/**
 * Puts the jobs in the store, and wants on GitHub what follows from it; the coordinator does that when it runs. A job that is there already
 * is left alone, so that it may be repeated.
 */
export async function carryOutRecovery(
  plan: RecoveryPlan,
  deps: RecoveryDeps,
): Promise<{ restored: number }> {
  const { store, github } = deps;
  for (const target of plan.repositories) await store.sweeps.putRepository(target);
  let restored = 0;
  // Oldest first: the queue keeps its order.
  for (const job of plan.jobs.toSorted((a, b) => a.facts.createdAtMs - b.facts.createdAtMs)) {
    restored += Number(await store.transact((tx) => restore(tx, job, deps)));
  }
  await store.transact(async (tx) => {
    for (const done of plan.dealtWith) {
      await rememberLabel(tx, { ...done, atMs: Math.min(done.untilMs, tx.nowMs) });
    }
  });
  for (const { target, branch, commit, checkRunId } of plan.strays) {
    await github.updateCheckRun(target, checkRunId, {
      status: 'completed',
      conclusion: 'neutral',
      title: 'Superseded',
      summary:
        'The coordinator lost its memory of this attempt. If its issue still bears the label, it is begun anew.',
    });
    await github.deleteBranch(target, branch, [commit]);
  }
  return { restored };
}

async function restore(tx: StoreTx, recovered: RecoveredJob, deps: RecoveryDeps): Promise<boolean> {
  const { target, facts, issue, commentId } = recovered;
  if ((await tx.jobs.get(facts.id)) !== null) return false;
  // Nothing can be told on an issue that is gone, and nothing done for it.
  if (issue === null) return false;
  const old = recovered.oldAttempt && toStoredAttempt(recovered.oldAttempt, recovered, tx.nowMs);
  const next =
    recovered.kind === 'again'
      ? newAttempt({
          id: deps.newId() as AttemptId,
          jobId: facts.id,
          number: (old?.number ?? 0) + 1,
          nowMs: tx.nowMs,
        })
      : null;
  await tx.jobs.restore(toStoredJob(recovered, issue, next ?? old, tx.nowMs));
  if (old) await tx.attempts.insert(old);
  if (next) await tx.attempts.insert(next);

  const { installationId } = target;
  if (next) await tx.want({ effect: { kind: 'attempt-start', attemptId: next.id }, installationId });
  if (old?.checkRun && recovered.kind !== 'linked' && recovered.kind !== 'published')
    await tx.want({ effect: { kind: 'check-run', attemptId: old.id }, installationId });
  if (recovered.kind === 'ended')
    await tx.want({ effect: { kind: 'clean-branch', jobId: facts.id }, installationId });
  const texts = {
    again: 'The coordinator had lost its store; the job was rebuilt from GitHub and is begun again',
    linked: `The coordinator had lost its store; ${recovered.reason}`,
    published: `The coordinator had lost its store; ${recovered.reason}`,
    ended: recovered.reason,
  };
  await tx.tell(facts.id, 'recovered', texts[recovered.kind]);
  await tx.memory.putGitHubObject(
    `status-comment:${target.repository.id}#${issue.number}`,
    { objectId: commentId, bodyHash: null },
    tx.nowMs,
  );
  // What the label asked for up to now has been dealt with; a later labelling counts.
  if (facts.label !== null) {
    await rememberLabel(tx, {
      target,
      issueNumber: issue.number,
      label: facts.label,
      atMs: tx.nowMs,
    });
  }
  // What its comment tells is more than is known by now.
  if (recovered.kind !== 'published') await wantStatusComment(tx, { ...target, issue }, 'final');
  return true;
}

/** As if a webhook had told of a labelling at that time: it and earlier ones ask for nothing any more. */
async function rememberLabel(
  tx: StoreTx,
  done: { target: RepositoryTarget; issueNumber: number; label: string; atMs: number },
): Promise<void> {
  const time = new Date(done.atMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const issue = `${done.target.repository.id}#${done.issueNumber}`;
  await tx.memory.rememberTrigger(
    `label_added:${issue}:${time}:${done.label.toLowerCase()}`,
    'recovered',
    tx.nowMs,
  );
}

function toStoredAttempt(old: OldAttempt, recovered: RecoveredJob, nowMs: number): StoredAttempt {
  const { facts } = recovered;
  const outcomes = {
    again: 'lost',
    linked: 'pull_request',
    published: 'pull_request',
    ended: 'cancelled',
  } as const;
  return {
    ...newAttempt({ id: old.id, jobId: facts.id, number: old.number, nowMs }),
    branch: facts.branch,
    startCommit: old.startCommit,
    announcedCommit: old.pushedCommit,
    checkRun: old.checkRun,
    outcome: outcomes[recovered.kind],
    finishedAtMs: nowMs,
  };
}

const ENDS = {
  again: ['queued', null],
  linked: ['succeeded', 'pull_request'],
  published: ['succeeded', 'pull_request'],
  ended: ['cancelled', 'cancelled'],
} as const;

const HELD_BEFORE = 'It was held before the coordinator lost its store. `/agent unhold` lets it go on.';

function toStoredJob(
  recovered: RecoveredJob,
  issue: IssueSnapshot,
  attempt: StoredAttempt | null,
  nowMs: number,
): StoredJob {
  const { target, facts } = recovered;
  const [state, outcome] = ENDS[recovered.kind];
  const isOver = recovered.kind !== 'again';
  const isHeld = recovered.kind === 'again' && facts.state === 'held';
  const settings = 'settings' in recovered ? recovered.settings.specialties.get(facts.specialty) : null;
  return {
    id: facts.id,
    kind: facts.kind,
    state: isHeld ? 'held' : state,
    stateReason: recovered.kind === 'ended' ? recovered.reason : isHeld ? HELD_BEFORE : null,
    waitCode: null,
    installationId: target.installationId,
    repository: target.repository,
    issue,
    specialty: facts.specialty,
    needs: recovered.kind === 'again' ? recovered.needs : [],
    settings: settings?.settings ?? NO_SETTINGS,
    instructions: facts.instructions,
    requestedBy: facts.requestedBy,
    requestedById: facts.requestedById ?? null,
    label: facts.label,
    priority: facts.priority,
    branch: facts.branch,
    outcome,
    revision: null,
    pullRequest: 'pullRequest' in recovered ? recovered.pullRequest : null,
    attemptId: attempt?.id ?? null,
    attemptNumber: attempt?.number ?? 0,
    runnerId: null,
    ready: false,
    offers: 0,
    infrastructureRetries: 0,
    workRetries: 0,
    avoid: [],
    previousJobId: null,
    createdAtMs: facts.createdAtMs,
    updatedAtMs: nowMs,
    runAtMs: nowMs,
    deadlineAtMs: null,
    runUntilMs: null,
    finishedAtMs: isOver ? nowMs : null,
  };
}

/** Of jobs that are over, which nobody works on any more. */
const NO_SETTINGS: StoredJob['settings'] = {
  agent: null,
  model: null,
  setupCommands: null,
  testCommands: null,
  guidance: null,
  maxMinutes: 1,
  maxTurns: 1,
  maxBudgetUsd: 1,
  repairRounds: 0,
};
