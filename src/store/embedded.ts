import path from 'node:path';
import { Kysely } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type Random, systemRandom } from '../lib/random.ts';
import { createUuidV7 } from '../lib/uuid-v7.ts';
import { createSqliteEngine } from './engine.ts';
import { takeFolder } from './folder-lock.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema.ts';
import { createSqlStore, type StoreTimings } from './sql-store.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';
import type { Store } from './store.ts';
import type { StoreUse } from './store-use.ts';
import { requeueRunning } from './tasks.ts';
import { createWakes } from './wakes.ts';

/**
 * The store of a single coordinator: SQLite in `folder` (made if it is missing; local disk only), which it takes for itself alone.
 * Throws `FolderInUseError` when another process has it; the lock is free again as soon as that process is gone. What the last
 * process was working on when it went is put back in line.
 */
export async function createEmbeddedStore(deps: {
  folder: string;
  /** `serve` when left out. */
  use?: StoreUse;
  clock: Pick<Clock, 'nowMs'>;
  log: Logger;
  random?: Random;
  timings?: StoreTimings;
  /** `BUDGETS.keptLogDays` when left out. */
  keepLogsDays?: number;
}): Promise<Store> {
  const { folder, clock, log } = deps;
  const lock = await takeFolder(folder, deps.use ?? 'serve');
  const db = new Kysely<Schema>({ dialect: createSqliteDialect(path.join(folder, 'yardmaster.db')) });

  let closing: Promise<void> | undefined;
  async function closeAll(): Promise<void> {
    try {
      await db.destroy();
    } finally {
      lock.release();
    }
  }

  try {
    const engine = createSqliteEngine(clock);
    await migrate(db, engine);
    const requeued = await requeueRunning(db, 'all');
    if (requeued > 0)
      log.info({ requeued }, 'Work that the last coordinator left unfinished is taken up again');
    return createSqlStore({
      db,
      engine,
      newId: createUuidV7({ clock, random: deps.random ?? systemRandom }),
      wakes: createWakes(),
      ...(deps.timings ? { timings: deps.timings } : {}),
      keepLogsDays: deps.keepLogsDays,
      close: () => (closing ??= closeAll()),
    });
  } catch (error) {
    await closeAll();
    throw error;
  }
}
