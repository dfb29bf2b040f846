import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DEFAULT_TIMINGS, type Timings } from '../../src/domain/timings.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { createEmbeddedStore } from '../../src/store/embedded.ts';
import type { Store } from '../../src/store/store.ts';
import { createTestLogger } from './test-logger.ts';

/** A fresh embedded store in a temporary folder; both are gone after `await using`. */
export async function openTestStore(
  clock: Pick<Clock, 'nowMs'> = systemClock,
  timings: Timings = DEFAULT_TIMINGS,
): Promise<{ store: Store } & AsyncDisposable> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'yardmaster-store-'));
  const store = await createEmbeddedStore({ folder, clock, timings, log: createTestLogger() });
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
