import { describe, expect, test } from 'vitest';
import { JOB_STATES, type JobState } from '../../src/contract/job.ts';
import { canMove, isLeased, isLive, isTerminal } from '../../src/domain/job-lifecycle.ts';

/** The table of docs, move by move. */
const LEGAL: [from: JobState, to: JobState[]][] = [
  ['queued', ['held', 'offered', 'cancelled', 'failed']],
  ['held', ['queued', 'cancelled', 'failed']],
  ['offered', ['queued', 'held', 'preparing', 'cancelled', 'failed', 'dead']],
  ['preparing', ['queued', 'running', 'cancelling', 'failed', 'timed_out', 'dead']],
  ['running', ['queued', 'finishing', 'cancelling', 'failed', 'timed_out', 'dead']],
  ['finishing', ['queued', 'succeeded', 'cancelling', 'failed', 'timed_out', 'dead']],
  ['cancelling', ['cancelled']],
];

describe('the life of a job', () => {
  test.each(JOB_STATES)('from %s it can go nowhere but where the table says', (from) => {
    const legal = LEGAL.find(([state]) => state === from)?.[1] ?? [];

    expect(JOB_STATES.filter((to) => canMove(from, to)).sort()).toEqual([...legal].sort());
  });

  test('begins in the queue, or is refused', () => {
    expect(JOB_STATES.filter((to) => canMove(null, to))).toEqual(['queued', 'refused']);
  });

  test('is over in exactly these states', () => {
    expect(JOB_STATES.filter(isTerminal)).toEqual([
      'succeeded',
      'failed',
      'cancelled',
      'timed_out',
      'dead',
      'refused',
    ]);
    expect(JOB_STATES.filter(isLive)).toEqual(JOB_STATES.filter((state) => !isTerminal(state)));
  });

  test('can always be cancelled while it is live', () => {
    const live = JOB_STATES.filter((state) => isLive(state) && state !== 'cancelling');

    expect(live.filter((state) => !canMove(state, 'cancelled') && !canMove(state, 'cancelling'))).toEqual([]);
  });

  test('is in a runner’s hands from accepting until the end', () => {
    expect(JOB_STATES.filter(isLeased)).toEqual(['preparing', 'running', 'finishing']);
  });
});
