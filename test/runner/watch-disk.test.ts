import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { AttemptId } from '../../src/contract/identifiers.ts';
import type { AttemptStop } from '../../src/runner/attempt-stop.ts';
import { watchDisk } from '../../src/runner/watch-disk.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

const FULL: AttemptStop = { kind: 'disk_full', reason: 'The disk is full.' };

/** Attempts, of which each stopped one gives room back as soon as it has ended; room for `fits` of them. */
function watch(names: string[], fits: number, options: { endsWhenStopped?: boolean } = {}) {
  const running = new Map(names.map((name) => [name, Promise.withResolvers<never>()]));
  const stopped: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const over = new AbortController();
  let looks = 0;
  const watching = watchDisk(
    {
      disk: {
        toGoOn: () => {
          looks += 1;
          if (looks === 1) return Promise.reject(new Error('no answer'));
          return Promise.resolve(running.size > fits ? FULL : null);
        },
      },
      attempts: () =>
        [...running].map(([name, { promise }]) => ({
          attemptId: name as AttemptId,
          ended: promise,
          stop: (why) => {
            stopped.push(`${name}: ${why.reason}`);
            if (options.endsWhenStopped === false) return;
            running.get(name)?.resolve(undefined as never);
            running.delete(name);
          },
        })),
      everyMs: 5000,
      // No wait takes time, whatever it is for.
      clock: { ...systemClock, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
      log: createTestLogger(lines),
    },
    over.signal,
  );
  return {
    stopped,
    lines,
    /** Lets it look so often that it has seen all that it is going to see. */
    async looks(times: number): Promise<void> {
      await until('it has looked often enough', () => looks >= times || running.size === 0);
      over.abort();
      await watching;
    },
  };
}

test('the attempts that began last are stopped, until there is room', async () => {
  const watched = watch(['first', 'second', 'third'], 1);

  await watched.looks(10);

  expect(watched.stopped).toEqual(['third: The disk is full.', 'second: The disk is full.']);
  expect(watched.lines.map(({ msg }) => msg)).toEqual([
    'Free disk space can not be read',
    'An attempt is stopped on a full disk',
    'An attempt is stopped on a full disk',
  ]);
});

test('none is stopped while there is room', async () => {
  const watched = watch(['first', 'second'], 2);

  await watched.looks(10);

  expect(watched.stopped).toEqual([]);
});

test('one that does not end, since it is through with its work, does not protect the others', async () => {
  const watched = watch(['first', 'second'], 0, { endsWhenStopped: false });

  await watched.looks(10);

  expect(watched.stopped).toEqual(['second: The disk is full.', 'first: The disk is full.']);
});
