import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { toError } from '../lib/to-error.ts';
import type { Engine } from './engine.ts';
import { createFirstTables } from './migrations/0001-first-tables.ts';
import { addRunnerHealth } from './migrations/0002-runner-health.ts';
import { createSweeps } from './migrations/0003-sweeps.ts';
import { addCheckRunMail } from './migrations/0005-check-run-mail.ts';
import { createCommands } from './migrations/0004-commands.ts';
import { createKeptSettings } from './migrations/0006-kept-settings.ts';
import { addUsage } from './migrations/0007-usage.ts';
import { createPresses } from './migrations/0008-presses.ts';
import { addRequesterId } from './migrations/0009-requester-id.ts';
import { addFailedJobs } from './migrations/0010-failed-jobs.ts';
import { createAttemptTokenTable } from './migrations/0011-attempt-tokens.ts';
import { addUsageTokens } from './migrations/0012-usage-tokens.ts';
import { addNextKey } from './migrations/0013-next-key.ts';
import { addRevisions } from './migrations/0014-revisions.ts';
import { createPatches } from './migrations/0015-patches.ts';
import { addWaitingReviews } from './migrations/0016-waiting-reviews.ts';
import { addRunnerProtocol } from './migrations/0017-runner-protocol.ts';
import { addAttemptProgress } from './migrations/0018-attempt-progress.ts';
import { addThreadCommands } from './migrations/0019-thread-commands.ts';
import { addPrioritySource } from './migrations/0020-priority-source.ts';
import { createWriteLimits } from './migrations/0021-write-limits.ts';
import { addAttemptBudget } from './migrations/0022-attempt-budget.ts';
import { createOutOfReach } from './migrations/0023-out-of-reach.ts';
import type { Schema } from './schema.ts';

type Step = (db: Kysely<Schema>, engine: Engine) => Promise<void>;

/**
 * Every step; one that has been released is never changed. Two neighbouring versions run side by side on one database, so a step only
 * *expands*: new tables, new columns with a default or none, new indexes. What the version before still uses is taken away a version
 * later, by a step that is called `NNNN-contract-…`: with that, older versions refuse to start.
 */
export const STEPS: Readonly<Record<string, Step>> = {
  '0001-first-tables': createFirstTables,
  '0002-runner-health': addRunnerHealth,
  '0003-sweeps': createSweeps,
  '0004-commands': createCommands,
  '0005-check-run-mail': addCheckRunMail,
  '0006-kept-settings': createKeptSettings,
  '0007-usage': addUsage,
  '0008-presses': createPresses,
  '0009-requester-id': addRequesterId,
  '0010-failed-jobs': addFailedJobs,
  '0011-attempt-tokens': createAttemptTokenTable,
  '0012-usage-tokens': addUsageTokens,
  '0013-next-key': addNextKey,
  '0014-revisions': addRevisions,
  '0015-patches': createPatches,
  '0016-waiting-reviews': addWaitingReviews,
  '0017-runner-protocol': addRunnerProtocol,
  '0018-attempt-progress': addAttemptProgress,
  '0019-thread-commands': addThreadCommands,
  '0020-priority-source': addPrioritySource,
  '0021-write-limits': createWriteLimits,
  '0022-attempt-budget': addAttemptBudget,
  '0023-out-of-reach': createOutOfReach,
};

const CONTRACT = /^\d{4}-contract-/;

/**
 * Brings the tables to the newest form: what has been done is skipped, and each step is done whole or not at all. Steps of a newer version
 * are left alone as long as they only expand. Throws, saying what to do, when this version can't work with the tables.
 */
export async function migrate(
  db: Kysely<Schema>,
  engine: Engine,
  steps: Readonly<Record<string, Step>> = STEPS,
): Promise<void> {
  const newer = (await readDone(db)).filter((name) => !(name in steps));
  const tooNew = newer.filter((name) => CONTRACT.test(name));
  if (tooNew.length > 0) {
    throw new Error(
      `A newer version of Yardmaster has changed the tables (${tooNew.join(', ')}) so that this one can’t work with them any more. Start the newer version, or restore the backup from before.`,
    );
  }
  const migrations: Record<string, Migration> = {
    ...Object.fromEntries(newer.map((name) => [name, { up: async () => undefined }])),
    ...Object.fromEntries(
      Object.entries(steps).map(([name, step]) => [name, { up: (tx: Kysely<Schema>) => step(tx, engine) }]),
    ),
  };
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    // Steps are made side by side; each stands for itself.
    allowUnorderedMigrations: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  throw new Error(
    `The tables could not be brought to this version of Yardmaster (${toError(error).message}). Nothing was changed by the step that failed; restore the last backup if the database was damaged.`,
    { cause: error },
  );
}

/** Names of the steps that were done, by whatever version. */
async function readDone(db: Kysely<Schema>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  return rows.map(({ name }) => name);
}
