import { expect, test } from 'vitest';
import { estimateStartMs } from '../../src/domain/estimate-start.ts';

const MINUTE = 60_000;
/** Their median is 6 minutes. */
const durationsMs = [30 * MINUTE, 5 * MINUTE, 6 * MINUTE];

test.each([
  ['a slot is free', { position: 1, slots: 2, freeSlots: 1 }, 0],
  ['as many slots are free as jobs are before it', { position: 2, slots: 2, freeSlots: 2 }, 0],
  ['all slots are taken: half a job on average', { position: 1, slots: 2, freeSlots: 0 }, 3],
  ['the last of the first round', { position: 2, slots: 2, freeSlots: 0 }, 3],
  ['a round of jobs comes before it', { position: 3, slots: 2, freeSlots: 0 }, 9],
  ['one slot, two jobs before it', { position: 3, slots: 1, freeSlots: 0 }, 15],
  ['one of its round has a free slot', { position: 2, slots: 2, freeSlots: 1 }, 3],
])('%s', (_when, queue, minutes) => {
  expect(estimateStartMs({ ...queue, durationsMs })).toBe(minutes * MINUTE);
});

test.each([
  ['no runner could take it', { slots: 0, durationsMs }],
  ['too few jobs have ended to tell', { slots: 1, durationsMs: durationsMs.slice(0, 2) }],
])('nobody can tell: %s', (_when, queue) => {
  expect(estimateStartMs({ position: 1, freeSlots: 0, ...queue })).toBeNull();
});
