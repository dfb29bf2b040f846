import type { RunnerId } from '../../src/contract/identifiers.ts';
import type { RunnerFacts } from '../../src/contract/runner-api.ts';
import type { RunnerView } from '../../src/domain/job.ts';
import type { AttemptUnderWay, RunnerStatus } from '../../src/runner/control/runner-status.ts';
import { RUNNER_ID, RUNNER_KEY } from './fake-coordinator.ts';

/** What the runner `be-1` says of itself. */
export function someRunnerFacts(overrides: Partial<RunnerFacts> = {}): RunnerFacts {
  return {
    name: 'be-1',
    hostname: 'this-machine',
    specialties: ['backend'],
    capabilities: ['os:linux', 'agent:claude'],
    capacity: 2,
    version: '0.0.0-test',
    ...overrides,
  };
}

/** A runner as routing and texts see it: online, with one of two slots taken. */
export function aRunnerView(name = 'be-1', overrides: Partial<RunnerView> = {}): RunnerView {
  return {
    id: name as RunnerId,
    name,
    hostname: `${name}.local`,
    specialties: ['backend'],
    capabilities: ['agent:claude'],
    capacity: 2,
    active: 1,
    accepting: true,
    state: 'online',
    quarantinedUntilMs: null,
    quarantineReason: null,
    lastSeenAtMs: Date.UTC(2026, 4, 4, 12),
    lastAssignedAtMs: 0,
    version: '1',
    transport: 'coordinator',
    ...overrides,
  };
}

/** The key that the fake coordinator knows. */
export function aRunnerKey(coordinatorUrl: string) {
  return { runnerId: RUNNER_ID as RunnerId, key: RUNNER_KEY, coordinatorUrl };
}

export function anAttemptUnderWay(overrides: Partial<AttemptUnderWay> = {}): AttemptUnderWay {
  return {
    attemptId: '0199a1b2-0000-7000-8000-00000000a001',
    jobId: '0199a1b2-0000-7000-8000-00000000b001',
    specialty: 'backend',
    repository: 'acme/widgets',
    issue: 7,
    agent: 'claude',
    phase: 'agent',
    startedAtMs: Date.UTC(2026, 10, 20, 12, 0),
    ...overrides,
  };
}

/** What a runner that takes work says of itself. */
export function aRunnerStatus(overrides: Partial<RunnerStatus> = {}): RunnerStatus {
  return {
    state: 'ready',
    notReady: null,
    runnerId: RUNNER_ID,
    name: 'be-1',
    version: '1.0.0',
    pid: 4711,
    startedAtMs: Date.UTC(2026, 10, 20, 11, 0),
    transport: 'coordinator',
    farSide: 'http://192.168.1.10:8080',
    contact: { connected: true, lastAnswerAtMs: Date.UTC(2026, 10, 20, 12, 4, 58), trouble: null },
    paused: null,
    settings: { readAtMs: Date.UTC(2026, 10, 20, 11, 0), problems: [], needsRestart: [] },
    specialties: ['backend', 'python'],
    capabilities: ['os:linux', 'python', 'python:3'],
    capacity: 2,
    sandbox: 'bubblewrap',
    workspaceRoot: '/var/lib/yardmaster',
    freeDiskBytes: 52 * 1024 ** 3,
    healthUrl: 'http://127.0.0.1:8000',
    attempts: [],
    ended: [],
    unreported: [],
    ...overrides,
  };
}
