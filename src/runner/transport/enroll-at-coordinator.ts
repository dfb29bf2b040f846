import type { RunnerFacts, RunnerResponse } from '../../contract/runner-api.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import { createSecret } from '../../lib/secret.ts';
import { sendWithTries } from './send-with-tries.ts';
import { TransportError } from './transport-error.ts';

/**
 * Turns a one-time token into a runner's id and key. A lost answer is asked for again with the same idempotency key, so that the token
 * is not used up in vain. Throws `TransportError`, which says where to look when nobody is there.
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
  const tries = {
    ...deps,
    url,
    bearer: null,
    timeoutMs: 30_000,
    most: 5,
    backoff: { baseMs: 1000, maxMs: 10_000 },
    signal: new AbortController().signal,
    onTrouble: (trouble: string) =>
      deps.log.warn({ trouble }, 'The coordinator did not answer; trying again'),
  };
  try {
    return await sendWithTries(call, tries);
  } catch (error) {
    // Whoever enrols a machine has often just set up the coordinator, too.
    if (!(error instanceof TransportError && error.kind === 'unavailable' && error.status === null))
      throw error;
    throw new TransportError(
      'unavailable',
      `No coordinator answers at ${url} (${error.message}): is “yardmaster serve” running there with HOST=0.0.0.0, and is the port open?`,
      { cause: error },
    );
  }
}
