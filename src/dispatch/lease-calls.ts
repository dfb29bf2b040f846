import {
  type HeartbeatResponse,
  MAX_LOG_BYTES,
  MAX_LOG_CHUNK_BYTES,
  type RunnerRequest,
  type RunnerResponse,
} from '../contract/runner-api.ts';
import { summarizeEvidence } from '../domain/evidence-text.ts';
import type { StoreTx } from '../store/store.ts';
import { accepted, type Answer, refused } from './answer.ts';
import { answerOnce, type Idempotency } from './answer-once.ts';
import type { DispatchDeps } from './dispatch-deps.ts';
import { type Held, type LeaseKey, lockLease, stale } from './lease.ts';
import { notePhase } from './note-phase.ts';
import { noteProgress } from './note-progress.ts';
import { tellOfAttempt } from './tell-of-attempt.ts';

export type LeaseCalls = {
  /** Workspace and baseline are ready: `preparing` → `running`. */
  start(lease: LeaseKey, idempotency: Idempotency): Promise<Answer<RunnerResponse<'start'>>>;
  /** Renews the lease and says whether to go on. A job that is being cancelled is not renewed. */
  heartbeat(lease: LeaseKey, request: RunnerRequest<'heartbeat'>): Promise<Answer<HeartbeatResponse>>;
  /** Appends to the log where it ends; the answer says how far it goes, so that a repeat or a gap mends itself. */
  log(lease: LeaseKey, request: RunnerRequest<'log'>): Promise<Answer<RunnerResponse<'log'>>>;
  /** What the runner has seen so far; replaces what was sent before. */
  evidence(
    lease: LeaseKey,
    request: RunnerRequest<'evidence'>,
    idempotency: Idempotency,
  ): Promise<Answer<RunnerResponse<'evidence'>>>;
};

/** The calls that a runner makes while it works, each one transaction. */
export function createLeaseCalls(deps: DispatchDeps): LeaseCalls {
  const { store, timings } = deps;

  return {
    start: (lease, idempotency) =>
      store.transact((tx) =>
        answerOnce(tx, `${lease.session.runnerId} start ${lease.attemptId}`, idempotency, async () => {
          const held = await lockLease(tx, lease);
          if (!held.ok) return held;
          const { job } = held.value;
          // A cancel came first: the next heartbeat tells the runner.
          if (job.state === 'cancelling') return accepted({});
          if (job.state !== 'preparing') return stale(`the job is ${job.state}`);
          if (!(await tx.jobs.move(job, 'running', {}, tx.nowMs))) return stale('it was taken back just now');
          await notePhase(tx, held.value, 'agent');
          await tx.runners.change(lease.session.runnerId, { lastSeenAtMs: tx.nowMs });
          return accepted({});
        }),
      ),

    heartbeat: (lease, { phase, progress }) =>
      store.transact(async (tx) => {
        const held = await lockLease(tx, lease);
        if (!held.ok) return held;
        const { job } = held.value;
        const { runnerId } = lease.session;
        await tx.runners.change(runnerId, { lastSeenAtMs: tx.nowMs });
        const leaseSeconds = deps.leaseSeconds();
        const rhythm = { leaseSeconds, heartbeatSeconds: timings.heartbeatSeconds };
        if (job.state === 'cancelling') {
          return accepted({ action: 'cancel', reason: job.stateReason, ...rhythm });
        }
        await tx.jobs.change(job.id, { deadlineAtMs: tx.nowMs + leaseSeconds * 1000 }, tx.nowMs);
        await noteProgress(tx, held.value, progress);
        await notePhase(tx, held.value, phase);
        const runner = await tx.runners.get(runnerId);
        const action = runner?.drainRequested === true ? 'drain' : 'continue';
        return accepted({ action, reason: null, ...rhythm });
      }),

    log: (lease, chunk) =>
      store.transact(async (tx) => {
        const data = Buffer.from(chunk.text);
        if (data.length > MAX_LOG_CHUNK_BYTES) {
          return refused(
            'too_large',
            `A chunk may have ${MAX_LOG_CHUNK_BYTES} bytes. Send it in smaller parts.`,
          );
        }
        const held = await lockLease(tx, lease);
        return held.ok
          ? accepted({ committedOffset: await append(tx, held.value, chunk.offset, data) })
          : held;
      }),

    evidence: (lease, { evidence }, idempotency) =>
      store.transact((tx) =>
        answerOnce(tx, `${lease.session.runnerId} evidence ${lease.attemptId}`, idempotency, async () => {
          const held = await lockLease(tx, lease);
          if (!held.ok) return held;
          const { job, attempt } = held.value;
          await tx.attempts.change(attempt.id, { evidence });
          await tellOfAttempt(tx, { job, attempt }, 'evidence', summarizeEvidence(evidence));
          return accepted({});
        }),
      ),
  };
}

/** Returns how far the log goes now, in bytes that the runner has handed over. */
async function append(tx: StoreTx, { attempt }: Held, offset: number, data: Buffer): Promise<number> {
  const known = attempt.logOffset;
  const fresh = data.subarray(Math.max(0, known - offset));
  // A gap (something before this was lost) or a repeat: the answer tells from where to go on.
  if (offset > known || fresh.length === 0) return known;

  const end = known + fresh.length;
  // Past the limit the log is taken from the runner, so that it goes on, and dropped.
  const kept = fresh.subarray(0, Math.max(0, MAX_LOG_BYTES - known));
  if (kept.length > 0) {
    await tx.timeline.addLogChunk({
      attemptId: attempt.id,
      startOffset: known,
      data: kept,
      atMs: tx.nowMs,
    });
    tx.wake(`log:${attempt.id}`);
  }
  await tx.attempts.change(attempt.id, { logOffset: end });
  return end;
}
