import {
  MAX_MAIL_BYTES,
  type Order,
  parseOrderLine,
  REPORT_KIND,
  ReportMail,
  toMailContext,
} from '../../contract/check-run-mail.ts';
import type { CheckRunReading } from '../../github/github.ts';
import { type MessageKey, readSignedBlock, readSignedLine } from '../../lib/signed-message.ts';
import { toExternalId } from '../check-run-identity.ts';
import type { Attempt } from '../../domain/job.ts';

/** An attempt in the hands of a runner that only reaches GitHub: its newest report, and the coordinator's newest order to it. */
export type Claim = { report: ReportMail; order: Order };

/**
 * What stands in an attempt's check run, if its runner may go on by it: both messages are signed, of this check run and attempt, and of one
 * process. `null`: nobody has it, it was given back, or the last word on it has been said.
 */
export function readClaim(
  reading: Pick<CheckRunReading, 'externalId' | 'status' | 'text'>,
  attempt: Pick<Attempt, 'id' | 'jobId'> & { repositoryId: number; checkRunId: number },
  key: MessageKey,
): Claim | null {
  const context = toMailContext(attempt);
  const prefix = `${toExternalId(attempt)}:`;
  if (reading.externalId?.startsWith(prefix) !== true) return null;
  const line = readSignedLine(reading.externalId.slice(prefix.length), context, key);
  const order = line === null ? null : parseOrderLine(line);
  const block = readSignedBlock(reading.text, { kind: REPORT_KIND, context, maxBytes: MAX_MAIL_BYTES }, key);
  const report = ReportMail.safeParse(block.ok ? block.value : null);
  if (order === null || !report.success) return null;
  const { attemptId, epoch, nonce, declined, result } = report.data;
  if (attemptId !== attempt.id || epoch !== order.epoch || nonce !== order.nonce) return null;
  if (declined !== null || (reading.status === 'completed' && result === null)) return null;
  return { report: report.data, order };
}
