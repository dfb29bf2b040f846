import type { RunnerCall, RunnerResponse } from '../../contract/runner-api.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import { backoffMs } from '../../lib/retry.ts';
import { type OutgoingCall, sendCall } from './send-call.ts';
import { TransportError } from './transport-error.ts';

export type Tries = {
  /** Of the coordinator. */
  url: string;
  fetch: typeof fetch;
  /** The runner's key; `null` for calls that need none. */
  bearer: string | null;
  /** For each try. */
  timeoutMs: number;
  /** How often it is sent at most. */
  most: number;
  backoff: { baseMs: number; maxMs: number };
  signal: AbortSignal;
  clock: Clock;
  random: Random;
  /** Told of what went wrong before each further try. */
  onTrouble?: (text: string) => void;
};

/**
 * A call that stands for itself, outside of a session: sent until the coordinator answers, as often as `most` says. The call must be safe to
 * repeat. Throws `TransportError`: `refused`, or `unavailable` after the last try.
 */
export async function sendWithTries<C extends RunnerCall>(
  call: OutgoingCall<C>,
  tries: Tries,
): Promise<RunnerResponse<C>> {
  const { clock, random, signal } = tries;
  const url = tries.url.replace(/\/+$/, '');
  for (let attempt = 1; ; attempt += 1) {
    const answer = await sendCall(call, { ...tries, url, nowMs: clock.nowMs() });
    switch (answer.kind) {
      case 'ok':
        return answer.value;
      case 'refused':
        throw answer.error;
      case 'unauthorized':
        throw new TransportError('refused', answer.text, { status: 401 });
      case 'trouble': {
        if (attempt === tries.most)
          throw new TransportError('unavailable', answer.text, { status: answer.status });
        tries.onTrouble?.(answer.text);
        const waitMs = backoffMs({ attempt, ...tries.backoff, random: random.fraction });
        await clock.sleep(Math.max(answer.retryAfterMs, waitMs), signal);
        break;
      }
      default:
        answer satisfies never;
    }
  }
}
