import { defineConfig } from 'vitest/config';

/** Tests with real agents (`npm run test:agents`); they need a program that is no dependency of ours. */
export default defineConfig({
  test: {
    include: ['test/agents-real/**/*.agents.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
