import type { AttemptId, JobId } from '../contract/identifiers.ts';
import type { StoredAttempt } from '../store/attempts.ts';

/** An attempt that nobody has begun. */
export function newAttempt(attempt: {
  id: AttemptId;
  jobId: JobId;
  number: number;
  nowMs: number;
}): StoredAttempt {
  return {
    id: attempt.id,
    jobId: attempt.jobId,
    number: attempt.number,
    epoch: 0,
    toldEpoch: 0,
    base: null,
    baseHead: null,
    branch: null,
    startCommit: null,
    announcedCommit: null,
    checkRun: null,
    runner: null,
    budget: null,
    leaseTokenHash: null,
    phase: null,
    progress: null,
    evidence: null,
    result: null,
    outcome: null,
    logOffset: 0,
    createdAtMs: attempt.nowMs,
    acceptedAtMs: null,
    finishedAtMs: null,
  };
}
