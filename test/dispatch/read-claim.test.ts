import { expect, test } from 'vitest';
import {
  type Order,
  REPORT_KIND,
  type ReportMail,
  toMailContext,
  toOrderLine,
} from '../../src/contract/check-run-mail.ts';
import { readClaim } from '../../src/dispatch/recovery/read-claim.ts';
import { type MessageKey, signLine, toSignedBlock } from '../../src/lib/signed-message.ts';
import { MAIL_KEY } from '../support/dispatch-world.ts';
import { anAttempt, aResult } from '../support/job-builders.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';

const { id, jobId } = anAttempt();
const PLACE = { id, jobId, repositoryId: 71, checkRunId: 9 };
const OTHER_KEY: MessageKey = { id: 'otherkey', secret: new Uint8Array(32).fill(9) };

/** A check run as runner and coordinator leave it. */
function aReading(
  wanted: {
    said?: Partial<ReportMail>;
    order?: Partial<Order>;
    status?: string;
    reportKey?: MessageKey;
    orderKey?: MessageKey;
    checkRunId?: number;
  } = {},
) {
  const { said, order, status = 'in_progress', reportKey = MAIL_KEY, orderKey = MAIL_KEY } = wanted;
  const context = toMailContext({ ...PLACE, checkRunId: wanted.checkRunId ?? PLACE.checkRunId });
  const whole = { epoch: 2, nonce: 'a-nonce-of-this-process' };
  const value = {
    ...whole,
    runnerId: '01999999-0000-7000-8000-000000000001',
    attemptId: id,
    number: 7,
    facts: someRunnerFacts(),
    phase: 'agent',
    started: true,
    publishCommit: null,
    log: { offset: 0, text: '' },
    declined: null,
    result: null,
    ...said,
  };
  const text = toSignedBlock({ kind: REPORT_KIND, context, title: 'Report', value }, reportKey);
  const line = toOrderLine({ ...whole, verb: 'go', heartbeatSeconds: 60, leaseSeconds: 900, ...order });
  return { status, text, externalId: `${jobId}:${id}:${signLine(line, context, orderKey)}` };
}

test('an attempt is in the hands of the process that both the report and the order name', () => {
  const working = readClaim(aReading(), PLACE, MAIL_KEY);
  const done = readClaim(aReading({ status: 'completed', said: { result: aResult() } }), PLACE, MAIL_KEY);

  expect(working).toMatchObject({ report: { number: 7, phase: 'agent' }, order: { verb: 'go', epoch: 2 } });
  expect(done?.report.result).toMatchObject({ outcome: 'pull_request' });
});

test.each<[string, ReturnType<typeof aReading>]>([
  ['nobody was told to go on', { ...aReading(), externalId: `${jobId}:${id}` }],
  ['nobody has said anything', { ...aReading(), text: '' }],
  ['the report is signed with another key', aReading({ reportKey: OTHER_KEY })],
  ['the order is signed with another key', aReading({ orderKey: OTHER_KEY })],
  ['both were copied from another check run', aReading({ checkRunId: 10 })],
  ['the report is of another attempt', aReading({ said: { attemptId: jobId as string as typeof id } })],
  ['the order is to another process', aReading({ order: { nonce: 'another-nonce-0000000' } })],
  ['the order is of another offer', aReading({ order: { epoch: 3 } })],
  ['it was given back', aReading({ said: { declined: { reason: 'disk_full', detail: '' } } })],
  ['the last word has been said, and not by the runner', aReading({ status: 'completed' })],
])('nobody has it when %s', (_why, reading) => {
  expect(readClaim(reading, PLACE, MAIL_KEY)).toBeNull();
});
