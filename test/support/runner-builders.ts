import { randomUUID } from 'node:crypto';
import type { AttemptId, JobId, JobSpec, RunnerId } from '../../src/contract/job.ts';
import type { RunnerFacts } from '../../src/contract/runner-api.ts';
import { DEFAULT_JOB_SETTINGS } from '../../src/domain/repo-settings.ts';
import { RUNNER_ID, RUNNER_KEY } from './fake-coordinator.ts';
import { aRepository } from './job-builders.ts';

/** Everything a runner needs to work on issue 42 of `acme/widgets`; ids of its own each time. */
export function aJobSpec(overrides: Partial<JobSpec> = {}): JobSpec {
  const attemptId = randomUUID() as AttemptId;
  const jobId = randomUUID() as JobId;
  return {
    jobId,
    attemptId,
    attemptNumber: 1,
    kind: 'resolve',
    specialty: 'backend',
    githubApiUrl: 'http://127.0.0.1:9',
    repository: aRepository(),
    issue: {
      number: 42,
      id: 4200,
      title: 'Totals are wrong for empty carts',
      body: 'An empty cart gives NaN.',
      author: 'olga',
      labels: ['agent:backend'],
      htmlUrl: 'https://github.com/acme/widgets/issues/42',
    },
    instructions: null,
    requestedBy: 'alice',
    base: { branch: 'main', commit: 'a'.repeat(40) },
    branch: 'agent/42-totals',
    startCommit: 'b'.repeat(40),
    checkRun: {
      id: 7,
      name: 'Yardmaster / backend',
      externalId: `${jobId}:${attemptId}`,
      appId: 3,
    },
    commitAuthor: { name: 'yardmaster[bot]', email: '9+yardmaster[bot]@users.noreply.github.com' },
    settings: DEFAULT_JOB_SETTINGS,
    ...overrides,
  };
}

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
