/** Runs works with the same key one after the other, in the order of the calls; works of other keys don't wait. */
export type Turns = <T>(key: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** A work that fails lets the next one go on. Whoever aborts while waiting leaves the queue with the signal's reason. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>();

  return async (key, work, signal) => {
    const before = last.get(key) ?? Promise.resolve();
    const { promise: over, resolve: leave } = Promise.withResolvers<void>();
    // Also for one that left early: the next has to wait for those before it.
    const tail = before.then(() => over);
    last.set(key, tail);
    try {
      await waitFor(before, signal);
      return await work();
    } finally {
      leave();
      void tail.then(() => last.get(key) === tail && last.delete(key));
    }
  };
}

async function waitFor(turn: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal?.reason as Error);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([turn, aborted]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
