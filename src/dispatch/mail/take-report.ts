import { MAX_MAIL_BYTES, REPORT_KIND, ReportMail, toMailContext } from '../../contract/check-run-mail.ts';
import type { CheckRunReading } from '../../github/github.ts';
import type { MessageKey } from '../../lib/signed-message.ts';
import { readSignedBlock } from '../../lib/signed-message.ts';
import { beginLease } from '../accept-offer.ts';
import type { Answer } from '../answer.ts';
import { completeAttempt } from '../complete-attempt.ts';
import { declineOffer } from '../decline-offer.ts';
import type { DispatchDeps } from '../dispatch-deps.ts';
import { admitToken } from '../job-token.ts';
import { createLeaseCalls } from '../lease-calls.ts';
import { type LeaseKey, lockOwnAttempt } from '../lease.ts';
import { type MailCase, toLeaseSeconds } from './to-register.ts';

/** What a repeat of a call is known by: the nonce and number of the report say it all. */
const SAME = 'mail';

/**
 * Does for a report that stands in a check run what the runner API does for a call: the very same transactions, so that nothing is
 * settled differently. What does not count (unsigned, of another runner, attempt or offer, older than what is known) changes nothing.
 */
export type TakeReport = (found: MailCase, reading: CheckRunReading) => Promise<void>;

export function createTakeReport(
  deps: DispatchDeps & {
    mailKey: MessageKey;
    /** How many attempts of such runners are under way: they share what may be written in an hour. */
    underWay: () => Promise<number>;
  },
): TakeReport {
  const { store, timings, log } = deps;

  return async (found, reading) => {
    const report = read(found, reading);
    if (report === null) return;
    const { job, attempt, mail } = found;
    const facts = {
      attemptId: attempt.id,
      runnerId: report.runnerId,
      epoch: report.epoch,
      nonce: report.nonce,
    };
    if (
      report.attemptId !== attempt.id ||
      report.epoch !== attempt.epoch ||
      report.runnerId !== job.runnerId
    ) {
      log.warn(
        facts,
        'A report in a check run is of an attempt, offer or runner that it is not about any more',
      );
      return;
    }
    if (job.state === 'offered') {
      await takeClaim(found, report);
    } else if (mail?.nonce !== report.nonce) {
      log.warn(facts, 'A report in a check run is of a process that does not have the attempt');
    } else if (report.number > mail.number) {
      await hear(found, report, reading);
    }
  };

  /** `null` when nothing in the check run's text counts. */
  function read({ job, attempt }: MailCase, { text }: CheckRunReading): ReportMail | null {
    const checkRunId = attempt.checkRun?.id ?? 0;
    const context = toMailContext({ repositoryId: job.repository.id, checkRunId });
    const block = readSignedBlock(
      text,
      { kind: REPORT_KIND, context, maxBytes: MAX_MAIL_BYTES },
      deps.mailKey,
    );
    if (!block.ok) {
      if (block.why !== 'absent') {
        log.warn({ attemptId: attempt.id, why: block.why }, 'A message in a check run does not count');
      }
      return null;
    }
    const report = ReportMail.safeParse(block.value);
    if (report.success) return report.data;
    // Signed, so by a runner of another version.
    log.error({ attemptId: attempt.id, err: report.error }, 'A report in a check run is not of this version');
    return null;
  }

  async function takeClaim(found: MailCase, report: ReportMail): Promise<void> {
    const { attemptId, epoch, runnerId, nonce, number, facts } = report;
    const session = { runnerId, epoch: 0 };
    if (report.declined !== null) {
      const idempotency = { key: `${nonce}:declined`, requestHash: SAME };
      tell(await declineOffer({ session, attemptId, epoch, ...report.declined, idempotency }, deps));
      return;
    }
    if (report.result !== null) return;
    const heartbeatSeconds = Math.max(
      timings.githubHeartbeatSeconds,
      timings.githubWriteSeconds * (await deps.underWay()),
    );
    await store.transact(async (tx) => {
      const own = await lockOwnAttempt(tx, { session, attemptId, epoch });
      if (!own.ok || own.value.job.state !== 'offered') return;
      if (!(await beginLease(tx, own.value, nonce, withRhythm(heartbeatSeconds)))) return;
      await tx.attempts.change(attemptId, { toldEpoch: epoch });
      await tx.mail.open(attemptId);
      await tx.mail.change(attemptId, {
        nonce,
        number,
        logEnd: report.log.offset,
        heartbeatMs: heartbeatSeconds * 1000,
      });
      // What it is for was settled by the operator.
      const { name, specialties } = found.runner ?? facts;
      await tx.runners.setFacts(runnerId, { ...facts, name, specialties });
      await tx.runners.change(runnerId, { lastSeenAtMs: tx.nowMs, silentUntilMs: null });
    });
  }

  async function hear(found: MailCase, report: ReportMail, reading: CheckRunReading): Promise<void> {
    const { attemptId, epoch, runnerId, nonce, phase, progress } = report;
    const lease: LeaseKey = { session: { runnerId, epoch: 0 }, attemptId, epoch, leaseToken: nonce };
    const rhythm = withRhythm((found.mail?.heartbeatMs ?? 0) / 1000);
    const calls = createLeaseCalls(rhythm);
    const isOver = report.declined !== null || report.result !== null;
    if (!isOver) tell(await calls.heartbeat(lease, { phase, progress }));
    if (report.started && found.job.state === 'preparing') {
      tell(await calls.start(lease, { key: `${nonce}:start`, requestHash: SAME }));
    }
    await takeLog(found, report, (chunk) => calls.log(lease, chunk));
    if (report.publishCommit !== null && !isOver) {
      const wish = { lease, purpose: 'publish', headCommit: report.publishCommit } as const;
      tell(await store.transact((tx) => admitToken(tx, wish)));
    }
    const idempotency = { key: `${nonce}:${report.number}`, requestHash: SAME };
    if (report.declined !== null) {
      const { session } = lease;
      tell(await declineOffer({ session, attemptId, epoch, ...report.declined, idempotency }, deps));
    } else if (report.result !== null) {
      const { result } = report;
      const checkRunFinished = reading.status === 'completed';
      tell(await completeAttempt({ lease, result, checkRunFinished, idempotency }, deps));
    }
    // Last: what a crash interrupted is done again, and every step above bears that.
    await store.mail.change(attemptId, { number: report.number });
  }

  /** The report brings the newest part of the log; what did not come through is said. */
  async function takeLog(
    { attempt, mail }: MailCase,
    { log: part }: ReportMail,
    append: (chunk: { offset: number; text: string }) => Promise<Answer<unknown>>,
  ): Promise<void> {
    const known = mail?.logEnd ?? 0;
    const bytes = Buffer.from(part.text);
    const end = part.offset + bytes.length;
    if (end <= known) return;
    const missing = Math.max(0, part.offset - known);
    const note = missing === 0 ? '' : `[${missing} bytes of the log did not come through GitHub]\n`;
    const text = note + bytes.subarray(Math.max(0, known - part.offset)).toString('utf8');
    tell(await append({ offset: attempt.logOffset, text }));
    await store.mail.change(attempt.id, { logEnd: end });
  }

  function withRhythm(heartbeatSeconds: number): DispatchDeps {
    return { ...deps, leaseSeconds: () => toLeaseSeconds(timings, heartbeatSeconds) };
  }

  function tell(answer: Answer<unknown>): void {
    if (!answer.ok) log.warn({ code: answer.code }, `A report in a check run was refused: ${answer.message}`);
  }
}
