import { defineConfig } from 'vitest/config';

/** Projects with real package managers (`npm run test:ecosystems`); those whose toolchain is not here are skipped, which is said. */
export default defineConfig({
  test: {
    include: ['test/ecosystems/**/*.ecosystems.ts'],
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
