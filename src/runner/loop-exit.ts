import type { Logger } from '../lib/logger.ts';
import { RUNNER_EXIT, type RunnerExit } from './exit-codes.ts';
import type { AttemptEnd } from './run-attempt.ts';
import type { FatalKind, LoopEnd } from './work-loop.ts';

const FATAL_EXITS: Record<FatalKind, RunnerExit> = {
  superseded: RUNNER_EXIT.superseded,
  revoked: RUNNER_EXIT.revoked,
  protocol_unsupported: RUNNER_EXIT.protocolUnsupported,
  misconfigured: RUNNER_EXIT.configuration,
};

/** How the process ends after the loop did; says it in the log. `isOnce`: by how the one job ended. */
export function toExit(end: LoopEnd, log: Logger, isOnce: boolean): RunnerExit {
  if (end.kind === 'drained') {
    log.info({}, 'The runner leaves in order');
    return isOnce ? toOnceExit(end.last) : RUNNER_EXIT.ok;
  }
  log.fatal({ cause: end.cause }, end.message);
  return FATAL_EXITS[end.cause];
}

function toOnceExit(last: AttemptEnd | null): RunnerExit {
  if (last === null || last.kind === 'given_back') return RUNNER_EXIT.idle;
  if (last.kind === 'lost') return RUNNER_EXIT.jobLost;
  if (last.outcome === 'pull_request') return RUNNER_EXIT.ok;
  return last.outcome === 'cancelled' ? RUNNER_EXIT.jobCancelled : RUNNER_EXIT.jobFailed;
}
