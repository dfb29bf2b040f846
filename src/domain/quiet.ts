import { BLOCKED } from './blockers.ts';
import type { NoRunnerCode } from './choose-runner.ts';
import { isTerminal } from './job-lifecycle.ts';
import {
  ASKED_AGAIN_NOTICE,
  type Job,
  type JobEvent,
  LIMIT_NOTICE,
  WISH_NOTICE,
  SETTINGS_NOTICE,
} from './job.ts';
import { PAUSED } from './paused.ts';
import { WAITS_ITS_TURN } from './specialty-order.ts';

/** A job as far as quiet issues are told of it. `waitCode`: why it waits. */
export type QuietJob = { job: Job & { waitCode: string | null }; events: readonly JobEvent[] };

/** Reasons to wait that somebody has to do something about; a busy runner comes free by itself. */
const NEEDS_PEOPLE: readonly string[] = [
  'no_specialty',
  'too_old',
  'lacks_capability',
  'not_online',
  'quarantined',
] satisfies NoRunnerCode[];

const NOTICES: readonly string[] = [SETTINGS_NOTICE, LIMIT_NOTICE, WISH_NOTICE, ASKED_AGAIN_NOTICE];

/** `null`: the issue is to hear of everything. Otherwise `news` is what it is to hear of, and stays the same while there is nothing new. */
export type QuietNews = { isWorthBeginning: boolean; news: string };

/**
 * What an issue whose jobs are all quiet is told: how each ended, and what needs a person. A status comment begins with the first of these;
 * later on it changes with them, and once when work goes on, so that it never says what is no longer so.
 *
 * `jobs`: of the issue, in any order; the newest of each specialty counts.
 */
export function toQuietNews(jobs: readonly QuietJob[]): QuietNews | null {
  const oldestFirst = jobs.toSorted((a, b) => a.job.createdAtMs - b.job.createdAtMs);
  const current = [...new Map(oldestFirst.map((entry) => [entry.job.specialty, entry])).values()];
  if (current.length === 0 || current.some(({ job }) => job.settings.quiet !== true)) return null;
  const told = current.map((entry) => ({ id: entry.job.id, of: toTold(entry) }));
  return {
    isWorthBeginning: told.some(({ of }) => of !== null),
    news: JSON.stringify(told),
  };
}

/** `null`: it is under way, and nobody has to do anything. */
function toTold({ job, events }: QuietJob): unknown {
  const { state, stateReason, pullRequest, waitCode } = job;
  const isBeingOpened = state === 'succeeded' && pullRequest === null && stateReason === null;
  if (isTerminal(state) && !isBeingOpened) {
    return { state, pullRequest, notices: events.filter(({ kind }) => NOTICES.includes(kind)).length };
  }
  if (state === 'held' && (waitCode === BLOCKED || waitCode === WAITS_ITS_TURN || waitCode === PAUSED))
    return { waitCode };
  return state === 'queued' && waitCode !== null && NEEDS_PEOPLE.includes(waitCode) ? { waitCode } : null;
}
