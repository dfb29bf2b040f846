import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { RUNNER_EXIT } from '../../src/runner/exit-codes.ts';
import { obeySignals } from '../../src/runner/obey-signals.ts';
import { createTestLogger } from '../support/test-logger.ts';

function openSignals() {
  const signals = new EventEmitter();
  const said: string[] = [];
  const stopping = obeySignals(
    signals,
    { drain: () => said.push('drain'), stopAll: ({ kind }) => said.push(`stop all: ${kind}`) },
    createTestLogger(),
    () => said.push('read settings anew'),
  );
  return { signals, said, stopping };
}

test.each([
  ['SIGTERM', 'SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM', 'SIGINT'],
])('%s drains, %s stops what is under way, %s ends at once', async (first, second, third) => {
  const { signals, said, stopping } = openSignals();

  signals.emit(first);
  expect([said, stopping.first.aborted, stopping.second.aborted]).toEqual([['drain'], true, false]);
  signals.emit(second);
  expect([said, stopping.second.aborted]).toEqual([['drain', 'stop all: shutdown'], true]);
  signals.emit(third);
  signals.emit(third);

  expect(await stopping.forced).toBe(RUNNER_EXIT.forced);
  expect(said).toEqual(['drain', 'stop all: shutdown']);
});

test('a hangup is no end, and nothing is heard any more once it is over', () => {
  const { signals, said, stopping } = openSignals();

  signals.emit('SIGHUP');
  stopping.dispose();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) signals.emit(signal);

  expect(said).toEqual(['read settings anew']);
  expect(stopping.first.aborted).toBe(false);
});
