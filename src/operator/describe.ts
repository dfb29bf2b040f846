import { styleText } from 'node:util';
import type { JobDetail, JobSummary, RunnerSummary } from './operator-client.ts';

const COLOURS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
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
    ...jobs.map((job) => [
      job.id.slice(-8),
      styleText(COLOURS[job.state] ?? 'cyan', job.state),
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
        `attempt ${attempt.number} · ${attempt.runner?.name ?? 'no runner yet'}${attempt.outcome === null ? '' : ` · ${attempt.outcome}`}${attempt.checkRun === null ? '' : ` · ${attempt.checkRun.url}`}`,
    ),
    '',
    ...events.map(
      (event) => `${new Date(event.atMs).toISOString()}  ${event.kind.padEnd(14)} ${plain(event.text)}`,
    ),
  ];
  return lines.join('\n');
}

/** The fleet as a table. */
export function describeRunners(runners: readonly RunnerSummary[], nowMs: number): string {
  if (runners.length === 0) return 'No runners yet. Make a token with “yardmaster runner token”.';
  return toTable([
    ['RUNNER', 'STATE', 'BUSY', 'SPECIALTIES', 'LAST SEEN', 'HOST', 'VERSION'],
    ...runners.map((runner) => [
      runner.name,
      styleText(runner.state === 'online' ? 'green' : 'yellow', runner.state),
      `${runner.active}/${runner.capacity}`,
      runner.specialties.join(', '),
      `${Math.max(0, Math.round((nowMs - runner.lastSeenAtMs) / 1000))} s ago`,
      plain(runner.hostname),
      runner.version,
    ]),
  ]);
}

/** Text from GitHub in a terminal: one line, without anything that could steer the terminal. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this removes
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();
}

function toTable(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => visibleLength(row[column] ?? ''))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function visibleLength(cell: string): number {
  // oxlint-disable-next-line no-control-regex -- the escape sequences of styleText
  return cell.replaceAll(/\u001b\[[0-9;]*m/g, '').length;
}
