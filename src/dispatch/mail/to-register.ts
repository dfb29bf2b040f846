import { type Order, type ORDER_VERBS, toOrderLine } from '../../contract/check-run-mail.ts';
import type { AttemptId } from '../../contract/identifiers.ts';
import { isLeased } from '../../domain/job-lifecycle.ts';
import type { Timings } from '../../domain/timings.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { CheckRunMail } from '../../store/check-run-mail.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import type { StoredRunner } from '../../store/runners.ts';
import type { Store } from '../../store/store.ts';

/** What the coordinator has to say in an attempt's check run. */
export type Register =
  | { kind: 'offer'; epoch: number }
  | { kind: 'order'; order: Order }
  /** What was said before does not hold any more. */
  | { kind: 'none' }
  /** Nothing more to say or to hear; the last word on a check run is said elsewhere. */
  | { kind: 'closed' };

/** Everything that is known of an attempt that may be a matter of mail. */
export type MailCase = {
  job: StoredJob;
  attempt: StoredAttempt;
  /** Who has it, if anybody. */
  runner: StoredRunner | null;
  mail: CheckRunMail | null;
};

export async function readMailCase(store: Store, attemptId: AttemptId): Promise<MailCase | null> {
  const attempt = await store.attempts.get(attemptId);
  const job = attempt && (await store.jobs.get(attempt.jobId));
  if (!job) return null;
  const runner = job.runnerId === null ? null : await store.runners.get(job.runnerId);
  return { job, attempt, runner, mail: await store.mail.get(attemptId) };
}

/** A function of the store alone, so that whoever asks, and however often, says the same. */
export function toRegister(
  { job, attempt, runner, mail }: MailCase,
  timings: Pick<Timings, 'githubLeaseSeconds' | 'githubHeartbeatSeconds'>,
): Register {
  if (job.attemptId !== attempt.id || attempt.finishedAtMs !== null) return { kind: 'closed' };
  if (runner?.transport === 'github') {
    if (job.state === 'offered') return { kind: 'offer', epoch: attempt.epoch };
    const verb = toVerb(job, runner);
    if (verb !== null && mail?.nonce != null) {
      const heartbeatSeconds = Math.max(timings.githubHeartbeatSeconds, mail.heartbeatMs / 1000);
      const leaseSeconds = toLeaseSeconds(timings, heartbeatSeconds);
      const { nonce } = mail;
      return {
        kind: 'order',
        order: { epoch: attempt.epoch, verb, nonce, heartbeatSeconds, leaseSeconds },
      };
    }
  }
  const isSaid = mail !== null && mail.sent !== null && mail.sent !== toRegisterKey({ kind: 'none' });
  return isSaid ? { kind: 'none' } : { kind: 'closed' };
}

/** How long a lease is whose heartbeats come so far apart: at least three of them. */
export function toLeaseSeconds(
  timings: Pick<Timings, 'githubLeaseSeconds'>,
  heartbeatSeconds: number,
): number {
  return Math.max(timings.githubLeaseSeconds, 3 * heartbeatSeconds);
}

/** By which two registers are known as the same. */
export function toRegisterKey(register: Register): string {
  switch (register.kind) {
    case 'offer':
      return `offer:${register.epoch}`;
    case 'order':
      return `order:${toOrderLine(register.order)}`;
    case 'none':
    case 'closed':
      return register.kind;
    default:
      return register satisfies never;
  }
}

function toVerb(job: StoredJob, runner: StoredRunner): (typeof ORDER_VERBS)[number] | null {
  if (job.state === 'cancelling') return 'cancel';
  if (job.state === 'finishing') return 'publish';
  if (!isLeased(job.state)) return null;
  return runner.drainRequested ? 'drain' : 'go';
}
