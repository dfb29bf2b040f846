import type { RunnerId } from '../contract/identifiers.ts';
import type { RunnerFacts } from '../contract/runner-api.ts';
import type { RunnerHealth } from '../domain/quarantine.ts';
import { hashSecret } from '../lib/secret.ts';
import type { StoredRunner } from '../store/runners.ts';

/** Of a runner that nothing is held against. */
export const SOUND: RunnerHealth = {
  failures: 0,
  failedJobs: [],
  quarantinedUntilMs: null,
  quarantineReason: null,
};

/** A runner that was just let in, as it says it is. `allowed`: the specialties that it may have; `null` = any. */
export function newRunner(runner: {
  runnerId: RunnerId;
  key: string;
  facts: RunnerFacts;
  allowed: string[] | null;
  nowMs: number;
}): StoredRunner {
  const { facts } = runner;
  return {
    id: runner.runnerId,
    name: facts.name,
    hostname: facts.hostname,
    specialties: facts.specialties,
    capabilities: facts.capabilities,
    capacity: facts.capacity,
    version: facts.version,
    protocol: null,
    keyHash: hashSecret(runner.key),
    nextKeyHash: null,
    allowedSpecialties: runner.allowed,
    sessionHash: null,
    sessionEpoch: 0,
    sessionExpiresAtMs: null,
    accepting: true,
    draining: false,
    drainRequested: false,
    freeDiskBytes: null,
    lastSeenAtMs: runner.nowMs,
    lastAssignedAtMs: 0,
    enrolledAtMs: runner.nowMs,
    revokedAtMs: null,
    takeovers: 0,
    takeoversSinceMs: 0,
    ...SOUND,
    transport: 'coordinator',
    silentUntilMs: null,
  };
}

/**
 * One that never speaks to us: it proves itself by the App's own key. `secret`: nobody is told it, so that no session can be opened for
 * this runner.
 */
export function newGitHubRunner(runner: {
  runnerId: RunnerId;
  secret: string;
  facts: RunnerFacts;
  nowMs: number;
}): StoredRunner {
  const { runnerId, secret: key, facts, nowMs } = runner;
  return {
    ...newRunner({ runnerId, key, facts, allowed: facts.specialties, nowMs }),
    transport: 'github',
  };
}
