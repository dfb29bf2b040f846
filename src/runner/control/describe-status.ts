import { formatCount, formatDuration } from '../../domain/figures-text.ts';
import { type Cell, plain, type Style, toTable } from '../../lib/terminal-table.ts';
import { describeUse } from '../disk-quota.ts';
import type { RunnerState, RunnerStatus } from './runner-status.ts';

const STATE_STYLES: Readonly<Record<RunnerState, Style>> = {
  ready: 'green',
  unable: 'red',
  connecting: 'yellow',
  paused: 'yellow',
  draining: 'yellow',
};
const OUTCOME_STYLES: Readonly<Record<string, Style>> = {
  pull_request: 'green',
  agent_failed: 'red',
  tests_failed: 'red',
  timed_out: 'red',
  lost: 'red',
};

/** A running daemon in a terminal: what it is, whether it takes work and why not, what it works on. */
export function describeStatus(status: RunnerStatus, nowMs: number): string {
  const { contact, paused, settings } = status;
  const heard =
    contact.lastAnswerAtMs === null ? 'not heard yet' : `heard ${ago(contact.lastAnswerAtMs, nowMs)}`;
  const rows: Cell[][] = [
    ['state', { text: status.state, style: STATE_STYLES[status.state] }],
    ...(status.notReady === null ? [] : [['takes no work', status.notReady]]),
    ...(paused === null || paused.sinceMs === 0 ? [] : [['paused', ago(paused.sinceMs, nowMs)]]),
    ...settings.problems.map((problem) => ['runner.yml', `not in force: ${problem}`]),
    ...(settings.needsRestart.length === 0
      ? []
      : [['runner.yml', `needs a restart: ${settings.needsRestart.join(', ')}`]]),
    ['runner', status.runnerId],
    ['process', `${status.pid}, version ${status.version}, started ${ago(status.startedAtMs, nowMs)}`],
    [status.transport === 'github' ? 'GitHub' : 'coordinator', `${status.farSide}, ${heard}`],
    ['specialties', status.specialties.join(', ')],
    ['slots', `${status.attempts.length} of ${status.capacity} taken`],
    ['sandbox', status.sandbox],
    ['workspaces', `${status.workspaceRoot}, ${toGigabytes(status.freeDiskBytes)} free`],
    ...(status.disk?.usedBytes == null
      ? []
      : [['disk', describeUse(status.disk.usedBytes, status.disk.quota)]]),
    ['health', status.healthUrl === null ? 'not served' : `${status.healthUrl}/health`],
    ...(status.unreported.length === 0 ? [] : [['unreported', toUnreported(status.unreported.length)]]),
  ];
  const under = status.attempts.length === 0 ? [] : ['', describeUnderWay(status, nowMs)];
  return [plain(status.name), toTable(rows), ...under].join('\n');
}

/** What is under way on this machine, and what has ended since the daemon was started. */
export function describeJobs(status: RunnerStatus, nowMs: number): string {
  const parts = [
    status.attempts.length === 0 ? 'Nothing is under way.' : describeUnderWay(status, nowMs),
    ...(status.ended.length === 0 ? [] : ['', describeEnded(status, nowMs)]),
  ];
  return parts.join('\n');
}

function describeUnderWay({ attempts }: RunnerStatus, nowMs: number): string {
  return toTable([
    ['ATTEMPT', 'PHASE', 'FOR', 'SPECIALTY', 'ISSUE', 'AGENT', 'JOB'],
    ...attempts.map((attempt): Cell[] => [
      toShortId(attempt.attemptId),
      { text: attempt.phase, style: 'cyan' },
      formatDuration(Math.max(0, nowMs - attempt.startedAtMs)),
      attempt.specialty,
      `${attempt.repository}#${attempt.issue}`,
      attempt.agent,
      toShortId(attempt.jobId),
    ]),
  ]);
}

function describeEnded({ ended }: RunnerStatus, nowMs: number): string {
  return toTable([
    ['ENDED', 'OUTCOME', 'TOOK', 'SPECIALTY', 'ISSUE', 'WHEN', 'JOB'],
    ...ended.map((attempt): Cell[] => [
      toShortId(attempt.attemptId),
      { text: attempt.outcome, style: OUTCOME_STYLES[attempt.outcome] ?? 'yellow' },
      formatDuration(attempt.endedAtMs - attempt.startedAtMs),
      attempt.specialty,
      `${attempt.repository}#${attempt.issue}`,
      ago(attempt.endedAtMs, nowMs),
      toShortId(attempt.jobId),
    ]),
  ]);
}

function toUnreported(count: number): string {
  return `${formatCount(count, 'ended attempt')} ${count === 1 ? 'is' : 'are'} still to be reported`;
}

/** The end of an id is what differs; `logs` takes it. */
export function toShortId(id: string): string {
  return id.slice(-8);
}

function ago(atMs: number, nowMs: number): string {
  return `${formatDuration(Math.max(0, nowMs - atMs))} ago`;
}

function toGigabytes(bytes: number | null): string {
  return bytes === null ? 'an unknown part' : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
