import type { RunnerId } from '../../src/contract/job.ts';
import type { RunnerFacts } from '../../src/contract/runner-api.ts';
import { RUNNER_ID, RUNNER_KEY } from './fake-coordinator.ts';

/** What the runner `be-1` says of itself. */
export function someRunnerFacts(overrides: Partial<RunnerFacts> = {}): RunnerFacts {
  return {
    name: 'be-1',
    hostname: 'this-machine',
    specialties: ['backend'],
    capabilities: ['os:linux'],
    capacity: 2,
    version: '0.0.0-test',
    ...overrides,
  };
}

/** The key that the fake coordinator knows. */
export function aRunnerKey(coordinatorUrl: string) {
  return { runnerId: RUNNER_ID as RunnerId, key: RUNNER_KEY, coordinatorUrl };
}
