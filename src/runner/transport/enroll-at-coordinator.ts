import type { RunnerFacts, RunnerResponse } from '../../contract/runner-api.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import { backoffMs } from '../../lib/retry.ts';
import { createSecret } from '../../lib/secret.ts';
import { sendCall } from './send-call.ts';
import { TransportError } from './transport-error.ts';

const TRIES = 5;
const TIMEOUT_MS = 30_000;

/**
 * Turns a one-time token into a runner's id and key. A lost answer is asked for again with the same idempotency key, so that the token
 * is not used up in vain. Throws `TransportError`.
 */
export async function enrollAtCoordinator(
  enrollment: { url: string; token: string; facts: RunnerFacts },
  deps: { fetch: typeof fetch; clock: Clock; random: Random; log: Logger },
): Promise<RunnerResponse<'enroll'>> {
  const { url, token, facts } = enrollment;
  const call = {
    name: 'enroll' as const,
    body: { token, facts },
    idempotencyKey: createSecret(deps.random),
  };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await sendCall(call, {
      url: url.replace(/\/+$/, ''),
      fetch: deps.fetch,
      bearer: null,
      timeoutMs: TIMEOUT_MS,
      signal: new AbortController().signal,
      nowMs: deps.clock.nowMs(),
    });
    switch (answer.kind) {
      case 'ok':
        return answer.value;
      case 'refused':
        throw answer.error;
      case 'unauthorized':
        throw new TransportError('refused', answer.text, { status: 401 });
      case 'trouble':
        if (attempt === TRIES)
          throw new TransportError('unavailable', answer.text, { status: answer.status });
        deps.log.warn({ trouble: answer.text }, 'The coordinator did not answer; trying again');
        await deps.clock.sleep(
          Math.max(
            answer.retryAfterMs,
            backoffMs({ attempt, baseMs: 1000, maxMs: 10_000, random: deps.random.fraction }),
          ),
        );
        break;
      default:
        answer satisfies never;
    }
  }
}
