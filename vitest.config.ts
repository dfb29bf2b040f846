import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres-keeper.ts'],
    // Real git, processes and HTTP: slow machines need room, and a hang still has to end.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Much of the time is waiting for processes and clocks: one worker more than cores is quicker on two of them.
    maxWorkers: 3,
  },
});
