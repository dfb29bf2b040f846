import type { Outcome, Phase } from '../contract/attempt-result.ts';
import type { JobState } from '../contract/job.ts';
import type { Attempt, Job } from './job.ts';

const EMOJI: Record<JobState, string> = {
  queued: '⏳',
  held: '⏸️',
  offered: '⏳',
  preparing: '🔧',
  running: '🏃',
  finishing: '📦',
  cancelling: '🛑',
  succeeded: '✅',
  failed: '❌',
  cancelled: '🚫',
  timed_out: '⏰',
  dead: '💀',
  refused: '✋',
};

const STATE_TEXTS: Record<Exclude<JobState, 'running' | 'succeeded' | 'failed'>, string> = {
  queued: 'waiting for a runner',
  held: 'on hold',
  offered: 'waiting for a runner to accept',
  preparing: 'a runner is getting ready',
  finishing: 'the work is being published',
  cancelling: 'being cancelled',
  cancelled: 'cancelled',
  timed_out: 'out of time',
  dead: 'given up',
  refused: 'not started',
};

const PHASE_TEXTS: Record<Phase, string> = {
  prepare: 'a runner is getting ready',
  baseline: 'running the tests on the untouched code',
  agent: 'the agent is at work',
  verify: 'checking the work of the agent',
  publish: 'the work is being published',
};

const OUTCOME_TEXTS: Record<Outcome, string> = {
  pull_request: 'the work is done',
  no_changes: 'the agent changed nothing',
  tests_failed: 'the tests fail',
  agent_failed: 'the agent failed',
  policy_refused: 'the work was not accepted',
  timed_out: 'out of time',
  cancelled: 'cancelled',
  lost: 'the runner was lost',
};

const PULL_REQUEST_TEXTS = {
  open: 'is open',
  merged: 'was merged',
  closed: 'was closed without being merged',
};

/** One sign for where the job stands, for people who skim. */
export function toStateEmoji({ state, pullRequest }: Pick<Job, 'state' | 'pullRequest'>): string {
  return pullRequest?.ended?.how === 'closed' ? '🚪' : EMOJI[state];
}

/** How an attempt ended, in a few words. */
export function toOutcomeText(outcome: Outcome): string {
  return OUTCOME_TEXTS[outcome];
}

/** What an attempt is busy with, in a few words. */
export function toPhaseText(phase: Phase): string {
  return PHASE_TEXTS[phase];
}

/** Where the job stands, in a few words. */
export function toStateText(job: Job, attempt: Attempt | null): string {
  const { state, outcome, pullRequest } = job;
  if (state === 'running') return PHASE_TEXTS[attempt?.phase ?? 'agent'];
  if (state === 'failed') return outcome === null ? 'failed' : OUTCOME_TEXTS[outcome];
  if (state !== 'succeeded') return STATE_TEXTS[state];
  if (pullRequest === null) return 'done; the pull request is being opened';
  return `pull request #${pullRequest.number} ${PULL_REQUEST_TEXTS[pullRequest.ended?.how ?? 'open']}`;
}
