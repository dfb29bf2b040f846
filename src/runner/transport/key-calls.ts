import type { RunnerCall, RunnerRequest, RunnerResponse } from '../../contract/runner-api.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { backoffMs } from '../../lib/retry.ts';
import type { RunnerKey } from '../key-file.ts';
import { sendCall } from './send-call.ts';
import { TransportError } from './transport-error.ts';

const TRIES = 4;
const TIMEOUT_MS = 10_000;

export type KeyCallDeps = {
  /** Of the coordinator. */
  url: string;
  fetch: typeof fetch;
  clock: Clock;
  random: Random;
};

/** Lets the coordinator take another key of this runner beside the one that it has. Safe to repeat. Throws `TransportError`. */
export async function rotateKeyAtCoordinator(
  { key, newKey, signal }: { key: RunnerKey; newKey: string; signal: AbortSignal },
  deps: KeyCallDeps,
): Promise<void> {
  await callWithKey('rotateKey', { runnerId: key.runnerId, newKey }, key, signal, deps);
}

/** Shows the coordinator that this runner has `key`: any other is of no use from then on. Safe to repeat. Throws `TransportError`. */
export async function confirmKeyAtCoordinator(
  { key, signal }: { key: RunnerKey; signal: AbortSignal },
  deps: KeyCallDeps,
): Promise<void> {
  await callWithKey('confirmKey', { runnerId: key.runnerId }, key, signal, deps);
}

async function callWithKey<C extends Extract<RunnerCall, 'rotateKey' | 'confirmKey'>>(
  name: C,
  body: RunnerRequest<C>,
  key: RunnerKey,
  signal: AbortSignal,
  deps: KeyCallDeps,
): Promise<RunnerResponse<C>> {
  const { clock, random } = deps;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await sendCall(
      { name, body },
      {
        url: deps.url.replace(/\/+$/, ''),
        fetch: deps.fetch,
        bearer: key.key,
        timeoutMs: TIMEOUT_MS,
        signal,
        nowMs: clock.nowMs(),
      },
    );
    switch (answer.kind) {
      case 'ok':
        return answer.value;
      case 'refused':
        throw answer.error;
      case 'unauthorized':
        throw new TransportError('refused', answer.text, { status: 401 });
      case 'trouble': {
        if (attempt === TRIES)
          throw new TransportError('unavailable', answer.text, { status: answer.status });
        const waitMs = backoffMs({ attempt, baseMs: 500, maxMs: 5000, random: random.fraction });
        await clock.sleep(Math.max(answer.retryAfterMs, waitMs), signal);
        break;
      }
      default:
        answer satisfies never;
    }
  }
}
