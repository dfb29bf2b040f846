import type { Outcome } from '../contract/attempt-result.ts';
import { BUDGETS, type Timings } from './timings.ts';

/** An attempt that ended without a pull request, and what its job has used up so far. */
export type EndedAttempt = {
  outcome: Exclude<Outcome, 'pull_request'>;
  /** The runner says that the same again might go better. */
  retryable: boolean;
  infrastructureRetries: number;
  workRetries: number;
};

/** What becomes of the job, and why, for people. */
export type RetryPlan =
  | { kind: 'retry'; budget: 'infrastructure' | 'work'; runAtMs: number; reason: string }
  | { kind: 'give_up'; state: 'failed' | 'timed_out' | 'dead'; reason: string };

/**
 * Whether another attempt is made. Lost machines cost infrastructure retries and are repeated at once, elsewhere if there is
 * an elsewhere; failures of the agent that might go better cost work retries and wait 30 s · 2ⁿ ± 50 %. A cancel that
 * nobody asked for (`cancelled`) means that the runner was shut down: infrastructure. Red tests, an empty change and a
 * broken policy are results, and a repeat would cost money without new information.
 *
 * `random` is 0 ≤ n < 1.
 */
export function planRetry(
  ended: EndedAttempt,
  now: { nowMs: number; random: number; timings: Pick<Timings, 'retryBaseSeconds' | 'retryMaxSeconds'> },
): RetryPlan {
  switch (ended.outcome) {
    case 'lost':
    case 'cancelled':
      return retryInfrastructure(ended, now.nowMs);
    case 'agent_failed':
      return retryWork(ended, now);
    case 'timed_out':
      return { kind: 'give_up', state: 'timed_out', reason: 'it took longer than allowed' };
    case 'no_changes':
      return { kind: 'give_up', state: 'failed', reason: 'the agent changed nothing' };
    case 'tests_failed':
      return { kind: 'give_up', state: 'failed', reason: 'the tests fail on the agent’s work' };
    case 'policy_refused':
      return { kind: 'give_up', state: 'failed', reason: 'the change breaks a rule' };
    default:
      return ended.outcome satisfies never;
  }
}

function retryInfrastructure(ended: EndedAttempt, nowMs: number): RetryPlan {
  const used = ended.infrastructureRetries;
  const most = BUDGETS.infrastructureRetries;
  if (used >= most) {
    return {
      kind: 'give_up',
      state: 'dead',
      reason: `runners were lost ${used + 1} times in a row: look at the machines before you ask again`,
    };
  }
  return {
    kind: 'retry',
    budget: 'infrastructure',
    runAtMs: nowMs,
    reason: `tried again on the next runner (retry ${used + 1} of ${most})`,
  };
}

function retryWork(
  ended: EndedAttempt,
  now: { nowMs: number; random: number; timings: Pick<Timings, 'retryBaseSeconds' | 'retryMaxSeconds'> },
): RetryPlan {
  const used = ended.workRetries;
  const most = BUDGETS.workRetries;
  if (!ended.retryable) return { kind: 'give_up', state: 'failed', reason: 'the agent failed' };
  if (used >= most) {
    return { kind: 'give_up', state: 'failed', reason: `the agent failed ${used + 1} times in a row` };
  }
  const seconds = Math.min(now.timings.retryMaxSeconds, now.timings.retryBaseSeconds * 2 ** used);
  const waitMs = Math.round(seconds * 1000 * (0.5 + now.random));
  return {
    kind: 'retry',
    budget: 'work',
    runAtMs: now.nowMs + Math.min(waitMs, now.timings.retryMaxSeconds * 1000),
    reason: `tried again in ${Math.max(1, Math.round(waitMs / 1000))} s (retry ${used + 1} of ${most})`,
  };
}
