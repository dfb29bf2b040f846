import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import { HOUR_MS } from './write-limits.ts';

/** What a call was answered. */
export type StoredAnswer = { requestHash: string; body: string };

/** What has been answered, decided and sent before, so that a repeat changes nothing. */
export type MemoryQueries = {
  getAnswer(scope: string, key: string): Promise<StoredAnswer | null>;
  /** Stored in the transaction of the change that it answers. */
  putAnswer(scope: string, key: string, answer: StoredAnswer, nowMs: number): Promise<void>;

  hasTrigger(key: string): Promise<boolean>;
  /** False if the same intent was dealt with before; while somebody else deals with it, waits for the end of their transaction. */
  rememberTrigger(key: string, outcome: string, nowMs: number): Promise<boolean>;

  /** What came of it, for people who look into the store. */
  noteOutcome(key: string, outcome: string): Promise<void>;

  /** Times of the labellings of this issue with this label (in lower case) that were dealt with, as GitHub wrote them. */
  labellings(issue: { repositoryId: number; issueNumber: number }, label: string): Promise<string[]>;

  /** What we last sent under this key; `null` when nothing. */
  getGitHubObject(key: string): Promise<{ objectId: number | null; bodyHash: string | null } | null>;
  putGitHubObject(
    key: string,
    object: { objectId: number | null; bodyHash: string | null },
    nowMs: number,
  ): Promise<void>;

  /** A repository's last settings without mistakes, as `keepSettings` was given them; `null` when there are none. */
  keptSettings(repositoryId: number): Promise<string | null>;
  keepSettings(repositoryId: number, text: string, nowMs: number): Promise<void>;
};

export function createMemoryQueries(db: Kysely<Schema>): MemoryQueries {
  return {
    async getAnswer(scope, key) {
      const row = await db
        .selectFrom('answers')
        .select(['request_hash', 'body'])
        .where('scope', '=', scope)
        .where('key', '=', key)
        .executeTakeFirst();
      return row ? { requestHash: row.request_hash, body: row.body } : null;
    },

    async putAnswer(scope, key, answer, nowMs) {
      await db
        .insertInto('answers')
        .values({ scope, key, request_hash: answer.requestHash, body: answer.body, created_at: nowMs })
        .execute();
    },

    async hasTrigger(key) {
      const row = await db.selectFrom('trigger_keys').select('key').where('key', '=', key).executeTakeFirst();
      return row !== undefined;
    },

    async rememberTrigger(key, outcome, nowMs) {
      const rows = await db
        .insertInto('trigger_keys')
        .values({ key, outcome, created_at: nowMs })
        .onConflict((conflict) => conflict.column('key').doNothing())
        .returning('key')
        .execute();
      return rows.length > 0;
    },

    async noteOutcome(key, outcome) {
      await db.updateTable('trigger_keys').set({ outcome }).where('key', '=', key).execute();
    },

    async labellings({ repositoryId, issueNumber }, label) {
      const prefix = `label_added:${repositoryId}#${issueNumber}:`;
      const rows = await db
        .selectFrom('trigger_keys')
        .select('key')
        .where(sql<boolean>`substr(key, 1, ${prefix.length}) = ${prefix}`)
        .execute();
      const suffix = `:${label}`;
      return rows
        .map(({ key }) => key)
        .filter((key) => key.startsWith(prefix) && key.endsWith(suffix))
        .map((key) => key.slice(prefix.length, -suffix.length));
    },

    async getGitHubObject(key) {
      const row = await db
        .selectFrom('github_objects')
        .select(['object_id', 'body_hash'])
        .where('key', '=', key)
        .executeTakeFirst();
      return row ? { objectId: row.object_id, bodyHash: row.body_hash } : null;
    },

    async putGitHubObject(key, object, nowMs) {
      const columns = { object_id: object.objectId, body_hash: object.bodyHash, updated_at: nowMs };
      await db
        .insertInto('github_objects')
        .values({ key, ...columns })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(columns))
        .execute();
    },

    async keptSettings(repositoryId) {
      const row = await db
        .selectFrom('kept_settings')
        .select('text')
        .where('repository_id', '=', repositoryId)
        .executeTakeFirst();
      return row?.text ?? null;
    },

    async keepSettings(repositoryId, text, nowMs) {
      await db
        .insertInto('kept_settings')
        .values({ repository_id: repositoryId, text, updated_at: nowMs })
        .onConflict((conflict) =>
          conflict
            .column('repository_id')
            .doUpdateSet({ text, updated_at: nowMs })
            .where('kept_settings.text', '!=', text),
        )
        .execute();
    },
  };
}

/** How long finished things are kept. */
export type KeepFor = {
  deliveriesMs: number;
  effectsMs: number;
  answersMs: number;
  triggerKeysMs: number;
  commandsMs: number;
  patchesMs: number;
  /** From the end of their attempt. */
  logsMs: number;
};

/** The logs of so many attempts are forgotten with one statement, while which SQLite does nothing else; and so often in a round. */
const LOGS_AT_ONCE = 10;
const LOG_ROUNDS = 100;

/** Forgets what can't come back any more. Several statements; repeating it is harmless. */
export async function prune(db: Kysely<Schema>, keep: KeepFor, nowMs: number): Promise<void> {
  await db
    .deleteFrom('tasks')
    .where('queue', '=', 'inbox')
    .where('finished_at', '<', nowMs - keep.deliveriesMs)
    .execute();
  await db
    .deleteFrom('tasks')
    .where('queue', '=', 'outbox')
    .where('finished_at', '<', nowMs - keep.effectsMs)
    .execute();
  await db
    .deleteFrom('answers')
    .where('created_at', '<', nowMs - keep.answersMs)
    .execute();
  await db
    .deleteFrom('commands')
    .where('created_at', '<', nowMs - keep.commandsMs)
    .execute();
  await db
    .deleteFrom('presses')
    .where('created_at', '<', nowMs - keep.commandsMs)
    .execute();
  await db
    .deleteFrom('notes')
    .where('created_at', '<', nowMs - keep.commandsMs)
    .execute();
  await db
    .deleteFrom('patches')
    .where('at', '<', nowMs - keep.patchesMs)
    .execute();
  await db
    .deleteFrom('recent_writes')
    .where('at', '<=', nowMs - HOUR_MS)
    .execute();
  await db.deleteFrom('attempt_tokens').where('expires_at', '<', nowMs).execute();
  await db
    .deleteFrom('trigger_keys')
    .where('created_at', '<', nowMs - keep.triggerKeysMs)
    .execute();
  await pruneLogs(db, nowMs - keep.logsMs);
}

/** With them goes what was said in the check runs of runners that only reach GitHub: of an attempt that has ended, nobody listens to it. */
async function pruneLogs(db: Kysely<Schema>, endedBeforeMs: number): Promise<void> {
  for (let round = 1; round <= LOG_ROUNDS; round += 1) {
    const old = await db
      .selectFrom('attempts')
      .select('id')
      .where('finished_at', '<', endedBeforeMs)
      .where((eb) =>
        eb.or([
          eb.exists(
            eb
              .selectFrom('log_chunks')
              .select('attempt_id')
              .whereRef('log_chunks.attempt_id', '=', 'attempts.id'),
          ),
          eb.exists(
            eb
              .selectFrom('check_run_mail')
              .select('attempt_id')
              .whereRef('check_run_mail.attempt_id', '=', 'attempts.id'),
          ),
        ]),
      )
      .limit(LOGS_AT_ONCE)
      .execute();
    if (old.length === 0) return;
    const ids = old.map(({ id }) => id);
    await db.deleteFrom('log_chunks').where('attempt_id', 'in', ids).execute();
    await db.deleteFrom('check_run_mail').where('attempt_id', 'in', ids).execute();
    // SQLite answers at once, so nobody else would get a turn.
    await new Promise(setImmediate);
  }
}
