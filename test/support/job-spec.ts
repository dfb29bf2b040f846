import { randomUUID } from 'node:crypto';
import { JobSpec } from '../../src/contract/job.ts';
import { DEFAULT_JOB_SETTINGS } from '../../src/domain/repo-settings.ts';
import { aRepository } from './job-builders.ts';

/** A spec as a runner gets it, for issue 42 of `acme/widgets`, with ids of its own. */
export function aJobSpec(overrides: Partial<JobSpec> = {}): JobSpec {
  return JobSpec.parse({
    jobId: randomUUID(),
    attemptId: randomUUID(),
    attemptNumber: 1,
    kind: 'resolve',
    specialty: 'backend',
    githubApiUrl: 'https://api.github.com',
    repository: aRepository(),
    issue: {
      number: 42,
      id: 4200,
      title: 'Totals are wrong for empty carts',
      body: 'An empty cart gives NaN.',
      author: 'olga',
      labels: ['bug', 'agent:backend'],
      htmlUrl: 'https://github.com/acme/widgets/issues/42',
    },
    instructions: null,
    requestedBy: 'alice',
    requestedById: 1234,
    base: { branch: 'main', commit: 'a'.repeat(40) },
    branch: 'agent/42-totals-are-wrong-for-empty-carts',
    startCommit: 'b'.repeat(40),
    checkRun: { id: 900, name: 'Yardmaster / backend', externalId: 'job:attempt', appId: 7 },
    commitAuthor: { name: 'yardmaster[bot]', email: '7+yardmaster[bot]@users.noreply.github.com' },
    settings: DEFAULT_JOB_SETTINGS,
    ...overrides,
  });
}
