import type { AttemptUnderWay, EndedAttempt } from './control/runner-status.ts';
import type { AttemptEnd, RunningAttempt } from './run-attempt.ts';

/** How many ended attempts are remembered. */
const REMEMBERED = 20;

/** What became of the attempts of this process, for people on its machine. */
export type AttemptHistory = {
  add(attempt: RunningAttempt, end: AttemptEnd): EndedAttempt;
  /** The newest first. */
  list(): EndedAttempt[];
};

export function createAttemptHistory(nowMs: () => number): AttemptHistory {
  const ended: EndedAttempt[] = [];
  return {
    add: (attempt, end) => {
      const outcome = end.kind === 'ended' ? end.outcome : end.kind;
      const entry = { ...toAttemptUnderWay(attempt), outcome, endedAtMs: nowMs() };
      ended.unshift(entry);
      ended.length = Math.min(ended.length, REMEMBERED);
      return entry;
    },
    list: () => [...ended],
  };
}

export function toAttemptUnderWay(attempt: RunningAttempt): AttemptUnderWay {
  const { attemptId, jobId, specialty, about } = attempt;
  return { attemptId, jobId, specialty, ...about, phase: attempt.phase() };
}
