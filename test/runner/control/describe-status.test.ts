import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { describeJobs, describeStatus } from '../../../src/runner/control/describe-status.ts';
import { anAttemptUnderWay, aRunnerStatus } from '../../support/runner-builders.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 12, 5);

test('a runner that takes work', () => {
  expect(show(describeStatus(aRunnerStatus({ attempts: [anAttemptUnderWay()] }), NOW_MS))).toBe(
    `be-1
state        ready
runner       0c9d7a54-7a34-4a5b-bb0e-5a3a52a1d303
process      4711, version 1.0.0, started 1 h 5 min ago
coordinator  http://192.168.1.10:8080, heard 2 s ago
specialties  backend, python
slots        1 of 2 taken
sandbox      bubblewrap
workspaces   /var/lib/yardmaster, 52.0 GiB free
health       http://127.0.0.1:8000/health

ATTEMPT   PHASE  FOR        SPECIALTY  ISSUE           AGENT   JOB
0000a001  agent  5 min 0 s  backend    acme/widgets#7  claude  0000b001`,
  );
});

test('a runner that takes none says why', () => {
  const text = show(
    describeStatus(
      aRunnerStatus({
        state: 'paused',
        notReady: 'it is paused (new disk)',
        paused: { sinceMs: NOW_MS - 60_000, reason: 'new disk' },
        contact: { connected: false, lastAnswerAtMs: null, trouble: 'connect ECONNREFUSED' },
        healthUrl: null,
        freeDiskBytes: null,
        unreported: ['a'],
      }),
      NOW_MS,
    ),
  );

  expect(text).toContain('takes no work  it is paused (new disk)\npaused         1 min 0 s ago');
  expect(text).toContain('http://192.168.1.10:8080, not heard yet');
  expect(text).toContain('unreported     1 ended attempt is still to be reported');
});

test('what is under way and what has ended; text of others can’t do anything in the terminal', () => {
  const ended = {
    ...anAttemptUnderWay({ agent: '\u001B[31mred\nline' }),
    outcome: 'pull_request',
    endedAtMs: NOW_MS - 30_000,
  };

  expect(show(describeJobs(aRunnerStatus({ ended: [ended] }), NOW_MS))).toBe(`Nothing is under way.

ENDED     OUTCOME       TOOK        SPECIALTY  ISSUE           WHEN      JOB
0000a001  pull_request  4 min 30 s  backend    acme/widgets#7  30 s ago  0000b001`);
  const text = describeJobs(
    aRunnerStatus({ attempts: [anAttemptUnderWay({ agent: '\u001B[31mred\nline' })] }),
    NOW_MS,
  );
  expect(text).not.toContain('\u001B[31mred');
  expect(text.split('\n')).toHaveLength(2);
});

function show(text: string): string {
  return stripVTControlCharacters(text);
}
