import type { IssueSnapshot } from '../../contract/issue-snapshot.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { newAttempt } from '../new-attempt.ts';
import type { OldAttempt } from './find-old-attempt.ts';
import type { RecoveredJob } from './recovery-plan.ts';

/** The attempt that GitHub knew of, which is over. */
export function toStoredAttempt(old: OldAttempt, recovered: RecoveredJob, nowMs: number): StoredAttempt {
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

/** The job as the store is to have it. */
export function toStoredJob(
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
