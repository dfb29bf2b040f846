import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createPostgresPresence } from '../../src/store/postgres-presence.ts';
import { createFakeClock } from '../support/fake-clock.ts';

test('whoever is back in time was never away', async () => {
  const { clock, presence, away } = aPresence();
  const before = presence.signal();

  await away(11);
  presence.resume();
  await away(11);

  expect(before.aborted).toBe(false);
  expect(presence.signal()).toBe(before);
  presence.stop();
  clock.advance(60);
  await setImmediate();
  expect(before.aborted).toBe(false);
});

test('whoever stays away is not there a while before others take it for gone; back again, what was claimed before is still lost', async () => {
  const { presence, away } = aPresence();
  const before = presence.signal();

  await away(12);
  const meanwhile = presence.signal();
  presence.resume();

  expect(before.aborted).toBe(true);
  expect(meanwhile).toBe(before);
  expect(presence.signal().aborted).toBe(false);
});

/** Others wait for 15 s. */
function aPresence() {
  const clock = createFakeClock();
  const presence = createPostgresPresence(clock, 15_000);
  return {
    clock,
    presence,
    async away(seconds: number) {
      presence.lose();
      clock.advance(seconds);
      await setImmediate();
    },
  };
}
