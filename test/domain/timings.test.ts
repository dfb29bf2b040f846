import { expect, test } from 'vitest';
import { BUDGETS, DEFAULT_TIMINGS } from '../../src/domain/timings.ts';

test('the figures are those of the protocol, in seconds', () => {
  expect(DEFAULT_TIMINGS).toMatchObject({
    acceptSeconds: 30,
    avoidRunnerSeconds: 60,
    failedRunnerSeconds: 300,
    leaseSeconds: 240,
    leaseGraceSeconds: 15,
    leaseSafetySeconds: 30,
    heartbeatSeconds: 15,
    cancelConfirmSeconds: 60,
    returnSeconds: 300,
    storeReturnSeconds: 120,
    plannedStopSeconds: 900,
    sessionSeconds: 3600,
    enrollTokenSeconds: 3600,
    retryBaseSeconds: 30,
    retryMaxSeconds: 1800,
    quarantineBaseSeconds: 10,
    quarantineMaxSeconds: 3600,
    pollRecheckSeconds: 5,
    deliverySweepSeconds: 300,
    issueSweepSeconds: 900,
    reportSweepSeconds: 3600,
    installationSweepSeconds: 86_400,
  });
  expect(BUDGETS).toMatchObject({ offers: 10, infrastructureRetries: 3, workRetries: 2 });
});

test('a runner has stopped well before its job is offered again', () => {
  const { leaseSeconds, leaseSafetySeconds, leaseGraceSeconds, heartbeatSeconds } = DEFAULT_TIMINGS;
  const killSeconds = 10;
  const stoppedSeconds = leaseSeconds - leaseSafetySeconds + killSeconds;

  expect(stoppedSeconds).toBe(220);
  expect(leaseSeconds + leaseGraceSeconds).toBe(255);
  // Several heartbeats may get lost, each up to a fifth late.
  expect((leaseSeconds - leaseSafetySeconds) / (heartbeatSeconds * 1.2)).toBeGreaterThan(10);
});
