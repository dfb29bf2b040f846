import { expect, test } from 'vitest';
import { z } from 'zod';
import { systemRandom } from '../../src/lib/random.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';

test('ids sort in the order in which they were made, within a millisecond and when the clock goes back', () => {
  let nowMs = 1_700_000_000_000;
  const newId = createUuidV7({ clock: { nowMs: () => nowMs }, random: systemRandom });

  const ids = Array.from({ length: 10_000 }, newId);
  nowMs -= 60_000;
  ids.push(newId());
  nowMs += 120_000;
  ids.push(newId());

  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test('they are UUIDs of version 7 that tell their time', () => {
  const newId = createUuidV7({ clock: { nowMs: () => 1_700_000_000_000 }, random: systemRandom });

  const id = newId();

  expect(z.uuidv7().safeParse(id).success).toBe(true);
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(1_700_000_000_000);
});
