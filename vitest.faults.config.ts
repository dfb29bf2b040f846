import { defineConfig } from 'vitest/config';
import { PATIENCE_MS } from './test/faults/support/fault-timings.ts';
import { RecoveryReporter } from './test/faults/support/recovery-reporter.ts';

/** The fault suite (`npm run test:faults`): real processes, killed, stopped and cut off in every way that the protocol knows. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults.ts'],
    globalSetup: ['test/support/postgres-keeper.ts'],
    reporters: ['default', new RecoveryReporter()],
    // Slow machines are told by FAULT_PACE (test/faults/support/fault-timings.ts); a hang still has to end.
    testTimeout: 8 * PATIENCE_MS,
    hookTimeout: 8 * PATIENCE_MS,
    tags: [{ name: 'ci', description: 'short enough to be looked at with every change' }],
    pool: 'forks',
    maxWorkers: 2,
  },
});
