import type { RunnerStatus } from './control/runner-status.ts';
import type { RunnerMetrics } from './runner-metrics.ts';

export type HealthAnswer = { status: number; type: string; body: string };

/** Path → what is answered there. */
export type HealthAnswers = ReadonlyMap<string, () => Promise<HealthAnswer>>;

/**
 * `/health`: the process is alive, and what it is at; always 200. `/ready`: whether it takes work; 503 with the reason when it doesn't. `/metrics`: for Prometheus.
 * None of them has anything in it that is secret, for they may be read from other machines.
 */
export function toHealthAnswers(
  status: () => Promise<RunnerStatus>,
  metrics: Pick<RunnerMetrics, 'render'>,
): HealthAnswers {
  return new Map([
    ['/health', async () => toJson(200, toHealth(await status()))],
    ['/ready', async () => toReadiness(await status())],
    ['/metrics', async () => ({ status: 200, ...(await metrics.render(await status())) })],
  ]);
}

/** What a runner says of itself at `GET /health`. */
function toHealth(status: RunnerStatus) {
  const { state, runnerId, name, version } = status;
  return {
    status: state === 'draining' || state === 'paused' ? state : 'ok',
    runnerId,
    name,
    version,
    attempts: status.attempts.map(({ attemptId, jobId, specialty, phase }) => ({
      attemptId,
      jobId,
      specialty,
      phase,
    })),
  };
}

function toReadiness({ notReady, state }: RunnerStatus): HealthAnswer {
  return toJson(notReady === null ? 200 : 503, { ready: notReady === null, state, reason: notReady });
}

function toJson(status: number, body: unknown): HealthAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
