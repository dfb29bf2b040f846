import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { tryUntil } from '../../src/lib/try-until.ts';

/** Fails as often as told. */
function failing(times: number) {
  let calls = 0;
  const work = async (): Promise<number> => {
    calls += 1;
    if (calls <= times) throw new Error(`failure ${calls}`);
    return calls;
  };
  return { work, calls: () => calls };
}
const patient = { clock: systemClock, waitMs: 1, isOver: () => false };

test('what fails is done again until it goes through', async () => {
  const { signal } = new AbortController();

  expect(await tryUntil(failing(2).work, { ...patient, signal })).toBe(3);
});

test('once it is over, the last failure is thrown', async () => {
  const { work, calls } = failing(9);
  const { signal } = new AbortController();

  await expect(tryUntil(work, { ...patient, signal, isOver: () => calls() >= 3 })).rejects.toThrow(
    'failure 3',
  );
});

test('who stops gets one last try, at once', async () => {
  const { work, calls } = failing(9);
  const stopping = new AbortController();
  const waiting = Promise.withResolvers<void>();
  const clock: Pick<Clock, 'sleep'> = {
    sleep: (ms, signal) => {
      waiting.resolve();
      return systemClock.sleep(ms, signal);
    },
  };
  const trying = tryUntil(work, { ...patient, clock, waitMs: 3_600_000, signal: stopping.signal });
  await waiting.promise;

  stopping.abort();

  await expect(trying).rejects.toThrow('failure 2');
  expect(calls()).toBe(2);
});
