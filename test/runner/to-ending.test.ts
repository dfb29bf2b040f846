import { expect, test } from 'vitest';
import { AttemptStopped, type AttemptStop } from '../../src/runner/attempt-stop.ts';
import { toEnding } from '../../src/runner/to-ending.ts';
import { TransportError } from '../../src/runner/transport/transport-error.ts';

const redact = (text: string): string => text.replaceAll('hunter2', '***');
const failed = new Error('disk full, password hunter2');

test.each<[string, unknown, AttemptStop | null, unknown]>([
  [
    'cancelled',
    failed,
    { kind: 'cancelled', reason: 'label removed' },
    { outcome: 'cancelled', reason: 'label removed', retryable: false },
  ],
  [
    'out of time',
    failed,
    { kind: 'timed_out', reason: 'too long' },
    { outcome: 'timed_out', reason: 'too long', retryable: false },
  ],
  [
    'shut down with its runner',
    failed,
    { kind: 'shutdown', reason: 'going down' },
    { outcome: 'cancelled', reason: 'going down', retryable: true },
  ],
  ['out of its lease', failed, { kind: 'lapsed', reason: '' }, null],
  ['taken over', failed, { kind: 'lost', reason: '' }, null],
  ['fenced at the push', new AttemptStopped({ kind: 'lost', reason: '' }), null, null],
  ['stale', new TransportError('stale_attempt', 'no'), null, null],
  ['superseded', new TransportError('superseded', 'no'), null, null],
  [
    'not allowed to publish',
    new TransportError('policy_refused', 'over budget'),
    null,
    { outcome: 'policy_refused', reason: 'over budget', retryable: false },
  ],
  [
    'hit by trouble of the machine',
    failed,
    null,
    {
      outcome: 'agent_failed',
      reason: 'Checking the work failed: disk full, password ***',
      retryable: true,
    },
  ],
  [
    'hit by trouble of the line',
    new TransportError('unavailable', 'no answer'),
    null,
    { outcome: 'agent_failed', reason: 'Checking the work failed: no answer', retryable: true },
  ],
])('an attempt that was %s', (_, thrown, stopped, ending) => {
  expect(toEnding(thrown, stopped, 'verify', redact)).toEqual(ending);
});
