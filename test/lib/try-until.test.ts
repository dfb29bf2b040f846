import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
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

test('what fails is done again until it goes through, and each failure is told', async () => {
  const heard: string[] = [];
  const { signal } = new AbortController();
  const onFailure = ({ message }: Error): void => void heard.push(message);

  expect(await tryUntil(failing(2).work, { ...patient, signal, onFailure })).toBe(3);

  expect(heard).toEqual(['failure 1', 'failure 2']);
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
  const failed = Promise.withResolvers<Error>();
  const options = { ...patient, waitMs: 3_600_000, signal: stopping.signal, onFailure: failed.resolve };
  const trying = tryUntil(work, options);
  await failed.promise;

  stopping.abort();

  await expect(trying).rejects.toThrow('failure 2');
  expect(calls()).toBe(2);
});
