import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { COMPILE_CACHE } from './test/support/compile-cache.ts';

// Each worker compiles the same packages anew, which is most of what a small file costs.
Object.assign(process.env, COMPILE_CACHE);

/** The whole product's tests first: they take minutes, and must not be what the others' end is followed by. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/test/e2e/');
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** With processes of their own, in a world of their own: a small worker starts processes several times faster than a large one. */
const ALONE = [
  'test/e2e/**/*.test.ts',
  'test/dispatch/**/*.test.ts',
  'test/runner/{agents,control,preview,sandbox,service,transport,workspace}/**/*.test.ts',
  'test/runner/{attempt-processes,check-run,ecosystems,lock,machine,main,run-attempt,run-steps,runner-process}.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres-keeper.ts'],
    // Real git, processes and HTTP: slow machines need room, and a hang still has to end.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // They wait for processes about as long as they work: on two cores a third one fills the gaps.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE } },
      // One worker for all of them loads our modules and GitHub's descriptions once.
      {
        extends: true,
        test: { name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
    ],
  },
});
