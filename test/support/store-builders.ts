import { randomUUID } from 'node:crypto';
import type { AttemptId, JobId, RunnerId } from '../../src/contract/identifiers.ts';
import type { StoredAttempt } from '../../src/store/attempts.ts';
import type { StoredJob } from '../../src/store/stored-job.ts';
import type { StoredRunner } from '../../src/store/runners.ts';
import type { NewDelivery } from '../../src/store/store.ts';
import { aJob, anAttempt, NOON_MS } from './job-builders.ts';

/** A queued job with an id of its own, ready to be offered. */
export function aStoredJob(overrides: Partial<StoredJob> = {}): StoredJob {
  return {
    ...aJob({ id: randomUUID() as JobId }),
    attemptId: null,
    runnerId: null,
    ready: true,
    deadlineAtMs: null,
    runUntilMs: null,
    avoid: [],
    waitCode: null,
    ...overrides,
  };
}

/** The attempt that belongs to a job; the same ids in both. */
export function aStoredAttempt(job: StoredJob, overrides: Partial<StoredAttempt> = {}): StoredAttempt {
  return {
    ...anAttempt({
      id: job.attemptId ?? (randomUUID() as AttemptId),
      jobId: job.id,
      number: job.attemptNumber,
    }),
    branch: null,
    announcedCommit: null,
    toldEpoch: 0,
    leaseTokenHash: null,
    logOffset: 0,
    ...overrides,
  };
}

/** The same issue's number in every repository would collide; this gives the job an issue of its own. */
export function forIssue(job: StoredJob, number: number): StoredJob {
  return { ...job, issue: { ...job.issue, number } };
}

export function aStoredRunner(overrides: Partial<StoredRunner> = {}): StoredRunner {
  return {
    id: randomUUID() as RunnerId,
    name: 'be-1',
    hostname: 'be-1.local',
    specialties: ['backend'],
    capabilities: ['node:22', 'agent:claude'],
    capacity: 2,
    version: '1.0.0',
    protocol: '1.3',
    keyHash: 'key-hash',
    nextKeyHash: null,
    allowedSpecialties: null,
    sessionHash: 'session-hash',
    sessionEpoch: 1,
    sessionExpiresAtMs: NOON_MS + 3_600_000,
    accepting: true,
    draining: false,
    drainRequested: false,
    freeDiskBytes: null,
    lastSeenAtMs: NOON_MS,
    lastAssignedAtMs: 0,
    enrolledAtMs: NOON_MS,
    revokedAtMs: null,
    failures: 0,
    failedJobs: [],
    quarantinedUntilMs: null,
    quarantineReason: null,
    takeovers: 0,
    takeoversSinceMs: 0,
    transport: 'coordinator',
    silentUntilMs: null,
    ...overrides,
  };
}

export function aDelivery(overrides: Partial<NewDelivery> = {}): NewDelivery {
  const guid = randomUUID();
  return { guid, event: 'issues', orderKey: guid, payload: '{"action":"labeled"}', ...overrides };
}
