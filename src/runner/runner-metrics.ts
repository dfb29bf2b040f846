import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EndedAttempt, RunnerStatus } from './control/runner-status.ts';

/** From a quick refusal to the longest run, in seconds. */
const ATTEMPT_BUCKETS = [30, 60, 120, 300, 600, 1200, 2400, 3600, 7200];

/** Figures for Prometheus. Names of repositories and people are not in them: they may be read from other machines. */
export type RunnerMetrics = {
  attemptEnded(attempt: EndedAttempt): void;
  /** The exposition format, with the state as it is now. */
  render(status: RunnerStatus): Promise<{ type: string; body: string }>;
};

export function createRunnerMetrics(): RunnerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    new Gauge<L>({ name: `yardmaster_runner_${name}`, help, labelNames, registers });

  const info = gauge('info', 'Always 1; who this is', ['name', 'version', 'sandbox']);
  const ready = gauge('ready', '1 = takes work, 0 = does not, see /ready');
  const connected = gauge('connected', '1 = the coordinator (or GitHub) answers');
  const paused = gauge('paused', '1 = paused from this machine');
  const draining = gauge('draining', '1 = finishes what it has, and ends');
  const slots = gauge('slots', 'How many attempts at once');
  const running = gauge('attempts_running', 'Attempts under way', ['specialty', 'phase']);
  const unreported = gauge('attempts_unreported', 'Attempts whose end is still to be reported');
  const freeDisk = gauge('free_disk_bytes', 'Free on the disk of the workspaces');
  const ended = new Counter({
    name: 'yardmaster_runner_attempts_total',
    help: 'Attempts that ended, by outcome',
    labelNames: ['specialty', 'outcome'] as const,
    registers,
  });
  const took = new Histogram({
    name: 'yardmaster_runner_attempt_seconds',
    help: 'How long attempts took, by outcome',
    labelNames: ['outcome'] as const,
    buckets: ATTEMPT_BUCKETS,
    registers,
  });

  function update(status: RunnerStatus): void {
    // What was true before is not any more.
    info.reset();
    running.reset();
    info.set({ name: status.name, version: status.version, sandbox: status.sandbox }, 1);
    ready.set(Number(status.notReady === null));
    connected.set(Number(status.contact.connected));
    paused.set(Number(status.paused !== null));
    draining.set(Number(status.state === 'draining'));
    slots.set(status.capacity);
    unreported.set(status.unreported.length);
    if (status.freeDiskBytes !== null) freeDisk.set(status.freeDiskBytes);
    for (const { specialty, phase } of status.attempts) running.inc({ specialty, phase });
  }

  return {
    attemptEnded: ({ specialty, outcome, startedAtMs, endedAtMs }) => {
      ended.inc({ specialty, outcome });
      took.observe({ outcome }, Math.max(0, endedAtMs - startedAtMs) / 1000);
    },
    render: async (status) => {
      update(status);
      return { type: registry.contentType, body: await registry.metrics() };
    },
  };
}
