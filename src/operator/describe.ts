import { formatCost } from '../domain/figures-text.ts';
import { type Cell, plain, type Style, toTable } from '../lib/terminal-table.ts';
import type { JobDetail, JobSummary, RunnerSummary, UsageReport } from './operator-client.ts';

const COLOURS: Readonly<Record<string, Style>> = {
  succeeded: 'green',
  failed: 'red',
  dead: 'red',
  timed_out: 'red',
  refused: 'yellow',
  cancelled: 'dim',
};

/** Jobs as a table, newest first. */
export function describeJobs(jobs: readonly JobSummary[]): string {
  if (jobs.length === 0) return 'No jobs yet. Label an issue with agent:<specialty> to start one.';
  return toTable([
    ['JOB', 'STATE', 'SPECIALTY', 'ISSUE', 'WHY / RESULT'],
    ...jobs.map((job): Cell[] => [
      job.id.slice(-8),
      { text: job.state, style: COLOURS[job.state] ?? 'cyan' },
      job.specialty,
      `${job.repository.owner}/${job.repository.name}#${job.issue.number}`,
      job.pullRequest?.url ?? job.stateReason ?? '',
    ]),
  ]);
}

/** One job with its attempts and timeline. */
export function describeEvents({ job, attempts, events }: JobDetail): string {
  const lines = [
    `${job.repository.owner}/${job.repository.name}#${job.issue.number} ${plain(job.issue.title)}`,
    `job ${job.id} · ${job.specialty} · ${job.state}${job.stateReason === null ? '' : ` · ${plain(job.stateReason)}`}`,
    ...attempts.map(
      (attempt) =>
        `attempt ${attempt.number} · ${plain(attempt.runner?.name ?? 'no runner yet')}${attempt.outcome === null ? '' : ` · ${attempt.outcome}`}${attempt.checkRun === null ? '' : ` · ${attempt.checkRun.url}`}`,
    ),
    '',
    ...events.map(
      (event) => `${new Date(event.atMs).toISOString()}  ${event.kind.padEnd(14)} ${plain(event.text)}`,
    ),
  ];
  return lines.join('\n');
}

/** A month's usage as a table with its sum; `repository`: the only one that was asked about. */
export function describeUsage({ month, usage }: UsageReport, repository?: string): string {
  if (usage.length === 0)
    return repository === undefined ? `No jobs in ${month}.` : `No jobs of ${plain(repository)} in ${month}.`;
  const sum = { jobs: 0, pullRequests: 0, costUsd: 0, minutes: 0, inputTokens: 0, outputTokens: 0 };
  for (const row of usage) {
    sum.jobs += row.jobs;
    sum.pullRequests += row.pullRequests;
    sum.costUsd += row.costUsd ?? 0;
    sum.minutes += row.minutes;
    sum.inputTokens += row.inputTokens;
    sum.outputTokens += row.outputTokens;
  }
  const isUnknown = usage.every(({ costUsd }) => costUsd === null);
  const all = { repository: 'all', specialty: '', ...sum, costUsd: isUnknown ? null : sum.costUsd };
  return toTable([
    [month, 'SPECIALTY', 'JOBS', 'PULL REQUESTS', 'COST', 'MINUTES', 'TOKENS IN', 'OUT'],
    ...[...usage, all].map((row): Cell[] => [
      row.repository,
      row.specialty,
      String(row.jobs),
      String(row.pullRequests),
      formatCost(row.costUsd),
      row.minutes.toFixed(1),
      formatTokens(row.inputTokens),
      formatTokens(row.outputTokens),
    ]),
  ]);
}

/** `900`, `52 k`, `1.4 M`. */
function formatTokens(tokens: number): string {
  if (tokens < 1000) return String(tokens);
  return tokens < 999_500 ? `${Math.round(tokens / 1000)} k` : `${(tokens / 1e6).toFixed(1)} M`;
}

/** The fleet as a table. */
export function describeRunners(runners: readonly RunnerSummary[], nowMs: number): string {
  if (runners.length === 0) return 'No runners yet. Make a token with “yardmaster runner token”.';
  const why = runners
    .filter(({ quarantinedUntilMs }) => (quarantinedUntilMs ?? 0) > nowMs)
    .map(({ name, quarantineReason }) => `${plain(name)}: ${plain(quarantineReason ?? 'it failed')}`);
  const table = toTable([
    ['RUNNER', 'STATE', 'BUSY', 'SPECIALTIES', 'LAST SEEN', 'HOST', 'VERSION'],
    ...runners.map((runner): Cell[] => [
      runner.name,
      toRunnerState(runner, nowMs),
      `${runner.active}/${runner.capacity}`,
      runner.specialties.join(', '),
      `${Math.max(0, Math.round((nowMs - runner.lastSeenAtMs) / 1000))} s ago`,
      runner.hostname,
      runner.version,
    ]),
  ]);
  return [table, ...why].join('\n');
}

function toRunnerState({ state, quarantinedUntilMs }: RunnerSummary, nowMs: number): Cell {
  const leftMs = (quarantinedUntilMs ?? 0) - nowMs;
  if (state === 'online' && leftMs > 0)
    return { text: `quarantined, ${Math.ceil(leftMs / 1000)} s left`, style: 'red' };
  return { text: state, style: state === 'online' ? 'green' : 'yellow' };
}
