import { JOB_STATES, type JobState } from '../contract/job.ts';

/**
 * Every legal move of a job. `null` as origin is a new job. What is not in this table does not happen: the store refuses it.
 *
 * A try that failed and is worth repeating goes straight from its live state back to `queued`; `failed` is reached only
 * when nothing more is tried, so that a terminal state is final. A person's retry is a new job.
 */
const JOB_MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  // Work that can't even begin (GitHub refuses the start commit) fails from the queue.
  queued: ['held', 'offered', 'cancelled', 'failed'],
  held: ['queued', 'cancelled', 'failed'],
  offered: ['queued', 'held', 'preparing', 'cancelled', 'failed', 'dead'],
  preparing: ['queued', 'running', 'cancelling', 'failed', 'timed_out', 'dead'],
  running: ['queued', 'finishing', 'cancelling', 'failed', 'timed_out', 'dead'],
  finishing: ['queued', 'succeeded', 'cancelling', 'failed', 'timed_out', 'dead'],
  cancelling: ['cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
  timed_out: [],
  dead: [],
  refused: [],
};

/** States that a new job may begin in. */
const FIRST_STATES: readonly JobState[] = ['queued', 'refused'];

/** Whether a job in state `from` (`null`: a new one) may be put in state `to`. */
export function canMove(from: JobState | null, to: JobState): boolean {
  return (from === null ? FIRST_STATES : JOB_MOVES[from]).includes(to);
}

/** Whether a job in this state never changes state again. */
export function isTerminal(state: JobState): boolean {
  return JOB_MOVES[state].length === 0;
}

/** Whether a job in this state still has something to happen to it: it keeps others of its issue and specialty out. */
export function isLive(state: JobState): boolean {
  return !isTerminal(state);
}

export const LIVE_STATES: readonly JobState[] = JOB_STATES.filter(isLive);

/** States in which a job takes one of its runner's slots. */
export const SLOT_STATES = [
  'offered',
  'preparing',
  'running',
  'finishing',
  'cancelling',
] as const satisfies readonly JobState[];

/** States in which a runner holds a lease and works. */
export const LEASED_STATES = ['preparing', 'running', 'finishing'] as const satisfies readonly JobState[];

/** Whether a runner holds a lease and works in this state. */
export function isLeased(state: JobState): state is (typeof LEASED_STATES)[number] {
  return (LEASED_STATES as readonly JobState[]).includes(state);
}
