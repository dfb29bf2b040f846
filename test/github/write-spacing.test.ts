import { expect, test } from 'vitest';
import { createWriteSpacing } from '../../src/github/write-spacing.ts';

test('tasks of one key start a spacing apart, in their order; keys do not wait for each other', async () => {
  const { clock, started, at, turnTo } = aRecorder();
  const spacing = createWriteSpacing({ spacingMs: 1000, clock });

  const all = Promise.all([
    spacing.key('a').schedule({}, at('a1')),
    spacing.key('a').schedule({}, at('a2')),
    spacing.key('b').schedule({}, at('b1')),
    spacing.key('a').schedule({}, at('a3')),
  ]);
  for (const ms of [0, 999, 1000, 1999, 2000]) await turnTo(ms);
  await all;

  expect(started).toEqual({ a1: 0, b1: 0, a2: 1000, a3: 2000 });
});

test('a task waits only for what is left of the spacing', async () => {
  const { clock, started, at, turnTo } = aRecorder();
  const spacing = createWriteSpacing({ spacingMs: 1000, clock });

  await spacing.key('a').schedule({}, at('first'));
  await turnTo(700);
  const second = spacing.key('a').schedule({}, at('second'));
  await turnTo(1000);
  await second;
  await turnTo(6000);
  await spacing.key('a').schedule({}, at('third'));

  expect(started).toEqual({ first: 0, second: 1000, third: 6000 });
});

test('a repetition has waited already', async () => {
  const { clock, started, at } = aRecorder();
  const spacing = createWriteSpacing({ spacingMs: 1000, clock });

  await spacing.key('a').schedule({}, at('first'));
  await spacing.key('a').schedule({ weight: 0 }, at('again'));

  expect(started).toEqual({ first: 0, again: 0 });
});

test('the result of a task comes through, and so does its failure', async () => {
  const spacing = createWriteSpacing({ spacingMs: 0, clock: aRecorder().clock });

  await expect(spacing.key('a').schedule({}, () => Promise.resolve(7))).resolves.toBe(7);
  await expect(spacing.key('a').schedule({}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
});

/** Notes when tasks start, by a clock that is turned by hand. */
function aRecorder() {
  const started: Record<string, number> = {};
  const sleepers: { untilMs: number; wake: () => void }[] = [];
  let nowMs = 0;
  const clock = {
    monotonicMs: () => nowMs,
    sleep: (ms: number) => new Promise<void>((wake) => void sleepers.push({ untilMs: nowMs + ms, wake })),
  };
  return {
    clock,
    started,
    at: (name: string) => async () => void (started[name] = nowMs),
    turnTo: async (ms: number) => {
      nowMs = ms;
      for (const { untilMs, wake } of sleepers) if (untilMs <= ms) wake();
      await new Promise(setImmediate);
    },
  };
}
