import type { Phase } from '../contract/attempt-result.ts';
import { toError } from '../lib/to-error.ts';
import type { Ending } from './attempt-record.ts';
import { AttemptStopped, type AttemptStop } from './attempt-stop.ts';
import { transportErrorKind } from './transport/transport-error.ts';

const WHAT_FAILED: Record<Phase, string> = {
  prepare: 'Preparing the workspace failed',
  baseline: 'Running the tests on the untouched base failed',
  agent: 'Running the agent failed',
  verify: 'Checking the work failed',
  publish: 'Publishing the work failed',
};

/**
 * How an attempt ends in which something was thrown: by what stopped it, or as trouble of this machine that may not come again.
 * `null`: it is not this runner's any more, and nothing may be said about it.
 */
export function toEnding(
  thrown: unknown,
  stopped: AttemptStop | null,
  phase: Phase,
  redact: (text: string) => string,
): Ending | null {
  const stop = stopped ?? (thrown instanceof AttemptStopped ? thrown.stop : null);
  if (stop !== null) return endStopped(stop);
  const error = toError(thrown);
  switch (transportErrorKind(thrown)) {
    case 'stale_attempt':
    case 'superseded':
    case 'revoked':
    case 'protocol_unsupported':
    case 'misconfigured':
      return null;
    case 'policy_refused':
      return { outcome: 'policy_refused', reason: redact(error.message), retryable: false };
    case 'unavailable':
    case 'refused':
    case null:
      return {
        outcome: 'agent_failed',
        reason: `${WHAT_FAILED[phase]}: ${redact(error.message).slice(0, 1500)}`,
        retryable: true,
      };
    default:
      throw error;
  }
}

/** How an attempt ends that was stopped; `null` as above. */
export function endStopped({ kind, reason }: AttemptStop): Ending | null {
  switch (kind) {
    case 'cancelled':
      return { outcome: 'cancelled', reason, retryable: false };
    case 'timed_out':
      return { outcome: 'timed_out', reason, retryable: false };
    // Trouble of the machine, which says nothing about the job: it may be tried elsewhere. A cancel that nobody asked for is not
    // counted as a failure of the work.
    case 'shutdown':
    case 'disk_full':
      return { outcome: 'cancelled', reason, retryable: true };
    // The same work would take as much again.
    case 'over_quota':
      return { outcome: 'agent_failed', reason, retryable: false };
    case 'lapsed':
    case 'lost':
      return null;
    default:
      return kind satisfies never;
  }
}
