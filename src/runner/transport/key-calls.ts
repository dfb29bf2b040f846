import type { Clock } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';
import type { RunnerKey } from '../key-file.ts';
import { sendWithTries, type Tries } from './send-with-tries.ts';

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
  await sendWithTries(
    { name: 'rotateKey', body: { runnerId: key.runnerId, newKey } },
    withKey(key, signal, deps),
  );
}

/** Shows the coordinator that this runner has `key`: any other is of no use from then on. Safe to repeat. Throws `TransportError`. */
export async function confirmKeyAtCoordinator(
  { key, signal }: { key: RunnerKey; signal: AbortSignal },
  deps: KeyCallDeps,
): Promise<void> {
  await sendWithTries({ name: 'confirmKey', body: { runnerId: key.runnerId } }, withKey(key, signal, deps));
}

function withKey({ key }: RunnerKey, signal: AbortSignal, deps: KeyCallDeps): Tries {
  return { ...deps, bearer: key, timeoutMs: 10_000, most: 4, backoff: { baseMs: 500, maxMs: 5000 }, signal };
}
