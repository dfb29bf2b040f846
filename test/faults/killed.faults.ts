import { describe, expect, test } from 'vitest';
import { ENGINES } from './support/database.ts';
import { FAULT_TIMINGS, PATIENCE_MS } from './support/fault-timings.ts';
import { startFaultYard } from './support/fault-yard.ts';
import { hitAgainAndAgain } from './support/hit-again-and-again.ts';
import { assertNothingLost } from './support/nothing-lost.ts';
import { noteRecovery } from './support/recovery.ts';

/** What comes by the clock would only be between the writes that count. */
const FEW_NOISE = {
  timings: { heartbeatSeconds: FAULT_TIMINGS.leaseSeconds / 4 },
  tuning: { logBatchMs: { least: 1000, most: 2000 } },
};
const LONG_MS = 20 * PATIENCE_MS;

describe('coordinator kill -9 at any line', () => {
  test.for(ENGINES)(
    'between every two writes of a job, on %s',
    { timeout: LONG_MS },
    async (engine, context) => {
      await using yard = await startFaultYard({ engine, ...FEW_NOISE });

      const hits = await hitAgainAndAgain(yard, yard.coordinator(), {
        stride: 12,
        mostHits: 20,
        // What it had not acknowledged when it died, GitHub knows as failed.
        afterRestart: () => yard.redeliverFailed(),
      });

      await assertNothingLost(yard, hits.expected);
      expect(hits.writes.join('\n')).toMatch(/check-runs/);
      noteRecovery(
        context,
        'coordinator kill -9 at any line',
        `${engine}, ${hits.writes.length} kills`,
        hits.recoveriesMs,
      );
    },
  );
});

describe('runner kill -9 while running', () => {
  test('between every two writes of an attempt, and started again', { timeout: LONG_MS }, async (context) => {
    await using yard = await startFaultYard(FEW_NOISE);

    const hits = await hitAgainAndAgain(yard, yard.runner(), {});

    await assertNothingLost(yard, hits.expected);
    expect(hits.writes.join('\n')).toMatch(/push/);
    noteRecovery(
      context,
      'runner kill -9 while running',
      `restarted, ${hits.writes.length} kills`,
      hits.recoveriesMs,
    );
  });
});
