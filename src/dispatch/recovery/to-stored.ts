import type { IssueSnapshot } from '../../contract/issue-snapshot.ts';
import type { JobState } from '../../contract/job.ts';
import { isTerminal } from '../../domain/job-lifecycle.ts';
import type { Timings } from '../../domain/timings.ts';
import { hashSecret } from '../../lib/secret.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { newAttempt } from '../new-attempt.ts';
import type { Claim } from './read-claim.ts';
import type { OldAttempt, RecoveredJob } from './recovery-plan.ts';

/** The attempt that GitHub knew of: over, unless its runner goes on with it. */
export function toStoredAttempt(old: OldAttempt, recovered: RecoveredJob, nowMs: number): StoredAttempt {
  const { facts } = recovered;
  if (recovered.kind === 'goes_on') return toHeldAttempt(old, recovered, nowMs);
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

function toHeldAttempt(
  old: OldAttempt,
  { facts, target, settings, claim: { report } }: Extract<RecoveredJob, { kind: 'goes_on' }>,
  nowMs: number,
): StoredAttempt {
  const wantedBase = settings.specialties.get(facts.specialty)?.settings.pullRequest?.base;
  return {
    ...newAttempt({ id: old.id, jobId: facts.id, number: old.number, nowMs }),
    epoch: report.epoch,
    toldEpoch: report.epoch,
    branch: facts.branch,
    startCommit: old.startCommit,
    // The commit is for offers, and this attempt is offered to nobody any more.
    base:
      old.parent === null
        ? null
        : { branch: wantedBase ?? target.repository.defaultBranch, commit: old.parent },
    announcedCommit: report.publishCommit,
    checkRun: old.checkRun,
    runner: { id: report.runnerId, name: report.facts.name },
    leaseTokenHash: hashSecret(report.nonce),
    phase: report.phase,
    acceptedAtMs: nowMs,
  };
}

const OUTCOMES = {
  again: null,
  goes_on: null,
  linked: 'pull_request',
  published: 'pull_request',
  ended: 'cancelled',
} as const;

const HELD_BEFORE = 'It was held before the coordinator lost its store. `/agent unhold` lets it go on.';

type RunTimings = Pick<Timings, 'overrunSeconds'>;

/** The job as the store is to have it. */
export function toStoredJob(
  recovered: RecoveredJob,
  issue: IssueSnapshot,
  attempt: StoredAttempt | null,
  { nowMs, timings }: { nowMs: number; timings: RunTimings },
): StoredJob {
  const { target, facts } = recovered;
  const claim = recovered.kind === 'goes_on' ? recovered.claim : null;
  const state = toState(recovered);
  const settings = 'settings' in recovered ? recovered.settings.specialties.get(facts.specialty) : null;
  return {
    id: facts.id,
    kind: facts.kind,
    state,
    stateReason: recovered.kind === 'ended' ? recovered.reason : state === 'held' ? HELD_BEFORE : null,
    waitCode: null,
    installationId: target.installationId,
    repository: target.repository,
    issue,
    specialty: facts.specialty,
    needs: 'needs' in recovered ? recovered.needs : [],
    settings: settings?.settings ?? NO_SETTINGS,
    instructions: facts.instructions,
    requestedBy: facts.requestedBy,
    requestedById: facts.requestedById ?? null,
    label: facts.label,
    priority: facts.priority,
    prioritySource: facts.prioritySource ?? null,
    branch: facts.branch,
    outcome: OUTCOMES[recovered.kind],
    revision: null,
    pullRequest: 'pullRequest' in recovered ? recovered.pullRequest : null,
    attemptId: attempt?.id ?? null,
    attemptNumber: attempt?.number ?? 0,
    runnerId: claim?.report.runnerId ?? null,
    ready: claim !== null,
    offers: 0,
    infrastructureRetries: 0,
    workRetries: 0,
    avoid: [],
    previousJobId: null,
    createdAtMs: facts.createdAtMs,
    updatedAtMs: nowMs,
    runAtMs: nowMs,
    ...toHeldTimes(claim, settings?.settings ?? NO_SETTINGS, { nowMs, timings }),
    finishedAtMs: isTerminal(state) ? nowMs : null,
  };
}

function toState(recovered: RecoveredJob): JobState {
  switch (recovered.kind) {
    case 'again':
      return recovered.facts.state === 'held' ? 'held' : 'queued';
    case 'goes_on':
      // What its newest report tells beyond that is heard like any report.
      return recovered.claim.order.verb === 'publish' ? 'finishing' : 'preparing';
    case 'linked':
    case 'published':
      return 'succeeded';
    case 'ended':
      return 'cancelled';
    default:
      return recovered satisfies never;
  }
}

/** Its time begins anew: when it had begun is not known any more. */
function toHeldTimes(
  claim: Claim | null,
  { maxMinutes }: Pick<StoredJob['settings'], 'maxMinutes'>,
  { nowMs, timings }: { nowMs: number; timings: RunTimings },
): Pick<StoredJob, 'deadlineAtMs' | 'runUntilMs'> {
  if (claim === null) return { deadlineAtMs: null, runUntilMs: null };
  return {
    deadlineAtMs: nowMs + claim.order.leaseSeconds * 1000,
    runUntilMs: nowMs + (maxMinutes * 60 + timings.overrunSeconds) * 1000,
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
