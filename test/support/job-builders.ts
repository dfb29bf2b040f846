import type { AttemptResult } from '../../src/contract/attempt-result.ts';
import type { AttemptId, JobId, RunnerId } from '../../src/contract/identifiers.ts';
import type { RepositoryRef } from '../../src/contract/job.ts';
import type { RevisionReading } from '../../src/domain/decide-revision.ts';
import type { Attempt, Job, JobEvent, JobRevision } from '../../src/domain/job.ts';
import { DEFAULT_JOB_SETTINGS } from '../../src/domain/repo-settings.ts';

/** 2026-05-04, noon UTC. */
export const NOON_MS = Date.UTC(2026, 4, 4, 12);

const JOB_ID = '4f0a3f0e-6f6d-4c8e-9a51-0d2f5e7c1a01' as JobId;
const ATTEMPT_ID = '9b1f6f52-0f0b-4b6e-8a46-1f4f0f3b2c02' as AttemptId;
const RUNNER_ID = '0c9d7a54-7a34-4a5b-bb0e-5a3a52a1d303' as RunnerId;

/** A public repository `acme/widgets`. */
export function aRepository(overrides: Partial<RepositoryRef> = {}): RepositoryRef {
  return {
    id: 71,
    owner: 'acme',
    name: 'widgets',
    private: false,
    defaultBranch: 'main',
    cloneUrl: 'https://github.com/acme/widgets.git',
    htmlUrl: 'https://github.com/acme/widgets',
    ...overrides,
  };
}

/** The first revision of pull request 7, about nothing in particular. */
export function aRevision(overrides: Partial<JobRevision> = {}): JobRevision {
  return {
    pullRequest: { number: 7, url: 'https://github.com/acme/widgets/pull/7' },
    cause: 'asked',
    round: 1,
    counted: 1,
    reviews: [],
    threads: [],
    commentsLeftOut: { untrusted: 0, edited: 0, unread: 0 },
    checks: [],
    mergeBase: false,
    reviewers: [],
    runnerId: null,
    ...overrides,
  };
}

/** Pull request 7 as GitHub has it, open and without any comment. */
export function aRevisionReading(
  pull: Partial<RevisionReading['pull']> = {},
  work: Partial<RevisionReading['work']> = {},
): RevisionReading {
  const { pullRequest, reviews, threads, commentsLeftOut, reviewers } = aRevision();
  return {
    job: aJob({ state: 'succeeded', outcome: 'pull_request', pullRequest }),
    runnerId: RUNNER_ID,
    pull: {
      ...pullRequest,
      state: 'open',
      headCommit: 'c'.repeat(40),
      locked: false,
      hasConflicts: false,
      ...pull,
    },
    work: { reviews, threads, commentsLeftOut, reviewers, laterThreads: [], ...work },
  };
}

/** A queued job for issue 42. */
export function aJob(overrides: Partial<Job> = {}): Job {
  return {
    id: JOB_ID,
    kind: 'resolve',
    state: 'queued',
    stateReason: null,
    installationId: 5,
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
    specialty: 'backend',
    needs: [],
    settings: DEFAULT_JOB_SETTINGS,
    instructions: null,
    requestedBy: 'alice',
    requestedById: 1234,
    label: 'agent:backend',
    priority: 0,
    prioritySource: null,
    branch: 'agent/42-totals-are-wrong-for-empty-carts',
    outcome: null,
    revision: null,
    pullRequest: null,
    attemptNumber: 1,
    offers: 0,
    infrastructureRetries: 0,
    workRetries: 0,
    previousJobId: null,
    createdAtMs: NOON_MS,
    updatedAtMs: NOON_MS,
    runAtMs: NOON_MS,
    finishedAtMs: null,
    ...overrides,
  };
}

/** The first attempt of that job, with its check run, not yet accepted. */
export function anAttempt(overrides: Partial<Attempt> = {}): Attempt {
  return {
    id: ATTEMPT_ID,
    jobId: JOB_ID,
    number: 1,
    epoch: 0,
    base: { branch: 'main', commit: 'a'.repeat(40) },
    baseHead: null,
    startCommit: 'b'.repeat(40),
    checkRun: { id: 900, url: 'https://github.com/acme/widgets/runs/900' },
    runner: null,
    budget: null,
    phase: null,
    progress: null,
    evidence: null,
    result: null,
    outcome: null,
    createdAtMs: NOON_MS,
    acceptedAtMs: null,
    finishedAtMs: null,
    ...overrides,
  };
}

/** The same attempt in the hands of the runner `be-1`. */
export function aRunningAttempt(overrides: Partial<Attempt> = {}): Attempt {
  return anAttempt({
    epoch: 1,
    runner: { id: RUNNER_ID, name: 'be-1' },
    phase: 'agent',
    acceptedAtMs: NOON_MS + 2000,
    ...overrides,
  });
}

/** Work that turned one red test green. */
export function aResult(overrides: Partial<AttemptResult> = {}): AttemptResult {
  return {
    outcome: 'pull_request',
    reason: 'The work is done and the tests pass.',
    retryable: false,
    headCommit: 'c'.repeat(40),
    summary: 'The sum now starts at 0, so an empty cart costs nothing.\n\nI added a test for it.',
    changes: [
      { path: 'src/cart.js', status: 'modified', added: 3, removed: 1 },
      { path: 'test/cart.test.js', status: 'added', added: 12, removed: 0 },
      { path: 'logo.png', status: 'modified', added: null, removed: null },
    ],
    changedFiles: 3,
    agent: { name: 'claude-code', version: '2.1.0', model: 'claude-sonnet' },
    usage: { inputTokens: 52_000, outputTokens: 3100, costUsd: 0.4213, turns: 14 },
    evidence: {
      setup: [{ command: ['npm', 'ci'], exitCode: 0, timedOut: false, durationMs: 4200, outputTail: '' }],
      before: {
        verdict: 'failed',
        runs: [
          {
            command: ['npm', 'test'],
            exitCode: 1,
            timedOut: false,
            durationMs: 2300,
            outputTail: 'not ok 4 - an empty cart costs nothing',
          },
        ],
        counts: { passed: 3, failed: 1, skipped: 0 },
      },
      after: {
        verdict: 'passed',
        runs: [
          { command: ['npm', 'test'], exitCode: 0, timedOut: false, durationMs: 2500, outputTail: 'ok 5' },
        ],
        counts: { passed: 5, failed: 0, skipped: 0 },
      },
      withoutTests: null,
      repairRounds: 1,
      tests: {
        newlyPassing: {
          names: ['test/cart.test.js › an empty cart costs nothing', 'test/cart.test.js › the badge says so'],
          total: 2,
        },
        newlyFailing: { names: [], total: 0 },
        stillFailing: { names: [], total: 0 },
        flaky: { names: [], total: 0 },
        gone: { names: [], total: 0 },
        complete: true,
      },
    },
    phaseMs: { prepare: 1800, baseline: 6700, agent: 184_000, verify: 2600, publish: 900 },
    sandbox: 'bubblewrap',
    ...overrides,
  };
}

/** Events of a job, one second apart, from `kind: text` lines. */
export function someEvents(...lines: string[]): JobEvent[] {
  return lines.map((line, index) => {
    const [kind = '', text = ''] = line.split(': ', 2);
    return { jobId: JOB_ID, atMs: NOON_MS + index * 1000, kind, text };
  });
}
