import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createSecret } from '../lib/secret.ts';
import { type RunnerKey, writeKeyFile } from './key-file.ts';
import { confirmKeyAtCoordinator, rotateKeyAtCoordinator } from './transport/key-calls.ts';

/** The key by which this runner proves itself to its coordinator. */
export type OwnKey = {
  current(): RunnerKey;
  /**
   * Takes a new one. Whenever it is cut off, the key file holds one that is good: the coordinator knows the new one before it is written,
   * and the old one stays good until the new one has been used. `isConfirmed: false`: the coordinator could not be reached for that; the
   * next session does it. Throws `TransportError` when nothing came of it, and the old one stays.
   */
  rotate(signal: AbortSignal): Promise<{ isConfirmed: boolean }>;
};

export function createOwnKey(
  first: RunnerKey,
  deps: {
    file: string;
    url: string;
    fetch: typeof fetch;
    clock: Clock;
    random: Random;
    log: Logger;
    /** Told the new key before it is used. */
    onSecret(key: string): void;
  },
): OwnKey {
  const { log } = deps;
  let current = first;
  let busy: Promise<unknown> = Promise.resolve();

  return {
    current: () => current,
    rotate: (signal) => {
      // One after the other: of two at once, the file could hold one key and the coordinator the other.
      const rotated = busy.then(() => rotate(signal));
      busy = rotated.catch(() => undefined);
      return rotated;
    },
  };

  async function rotate(signal: AbortSignal): Promise<{ isConfirmed: boolean }> {
    const next = { ...current, key: `ymk_${createSecret(deps.random)}` };
    deps.onSecret(next.key);
    await rotateKeyAtCoordinator({ key: current, newKey: next.key, signal }, deps);
    await writeKeyFile(deps.file, next);
    current = next;
    try {
      await confirmKeyAtCoordinator({ key: next, signal }, deps);
      log.info({}, 'This runner has a new key; the old one is of no use any more');
      return { isConfirmed: true };
    } catch (error) {
      log.warn({ err: error }, 'The new key is in its file, but not confirmed; the next session does that');
      return { isConfirmed: false };
    }
  }
}
