import { expect, test } from 'vitest';
import { createRunnerMetrics } from '../../src/runner/runner-metrics.ts';
import { anAttemptUnderWay, aRunnerStatus } from '../support/runner-builders.ts';

test('tells the state as it is now, what has ended, and nothing of repositories', async () => {
  const metrics = createRunnerMetrics();
  const [first, second] = [anAttemptUnderWay(), anAttemptUnderWay({ phase: 'verify' })];
  await metrics.render(aRunnerStatus({ attempts: [first, second] }));
  metrics.attemptEnded({ ...first, outcome: 'pull_request', endedAtMs: first.startedAtMs + 90_000 });

  const { type, body } = await metrics.render(
    aRunnerStatus({ state: 'paused', notReady: 'it is paused', paused: PAUSE, attempts: [second] }),
  );

  expect(type).toMatch(/^text\/plain; version=/);
  const lines = body.split('\n').filter((line) => line.startsWith('yardmaster_'));
  expect(lines).toEqual(
    expect.arrayContaining([
      'yardmaster_runner_info{name="be-1",version="1.0.0",sandbox="bubblewrap"} 1',
      'yardmaster_runner_ready 0',
      'yardmaster_runner_paused 1',
      'yardmaster_runner_connected 1',
      'yardmaster_runner_slots 2',
      'yardmaster_runner_attempts_running{specialty="backend",phase="verify"} 1',
      'yardmaster_runner_attempts_total{specialty="backend",outcome="pull_request"} 1',
      'yardmaster_runner_attempt_seconds_bucket{le="120",outcome="pull_request"} 1',
      'yardmaster_runner_attempt_seconds_bucket{le="60",outcome="pull_request"} 0',
    ]),
  );
  expect(lines.filter((line) => line.includes('phase="agent"'))).toEqual([]);
  expect(body).toContain('process_resident_memory_bytes');
  expect(body).not.toContain('acme');
});

const PAUSE = { sinceMs: 0, reason: null };
