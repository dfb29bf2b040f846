import { type Kysely, type Selectable, sql } from 'kysely';
import { type Effect, effectPriority, toEffectKey } from '../domain/effect.ts';
import type { Engine } from './engine.ts';
import type { Schema, TaskRow } from './schema.ts';

/** Fences a lost attempt, and costs nothing of what GitHub allows: it does not wait for an installation's pause to be over. */
const UNPAUSED: Effect['kind'] = 'revoke-tokens';

/** Something that should become true on GitHub, for one installation. */
export type WantedEffect = {
  effect: Effect;
  installationId: number;
  /** Not before this; now, when left out. */
  runAtMs?: number;
  /** `final`: it tells how something ended, and goes before what tells of progress. */
  weight?: 'progress' | 'final';
};

/** An effect that a worker has taken. */
export type ClaimedEffect = {
  id: string;
  effect: Effect;
  installationId: number;
  /** 1 for the first try since it was last wanted. */
  attempt: number;
  /** Fences a claim that has lapsed. */
  fence: number;
  /** Which wish it carries out; if a newer one came meanwhile, it is done again. */
  rev: number;
};

export type EffectQueries = {
  /**
   * Makes an effect wanted, in the transaction that makes it true. Wanted again while it waits: still one; while it is being carried out:
   * once more afterwards. A wait imposed by GitHub stays; otherwise the earliest wish counts. Not sooner than `apartMs` after it was
   * carried out the last time.
   */
  want(wanted: WantedEffect, when: { nowMs: number; apartMs: number }): Promise<void>;
  /** The most urgent effect that is due, of an installation that isn't paused and that nobody works for at the moment. */
  claim(nowMs: number, leaseMs: number): Promise<ClaimedEffect | null>;
  /** Whether nobody else has got it since. */
  holds(claim: ClaimedEffect): Promise<boolean>;
  /** Done, unless it was wanted again meanwhile. False if the claim had lapsed. */
  finish(claim: ClaimedEffect, nowMs: number): Promise<boolean>;
  /** Back in the queue until `runAtMs`. `countsAsTry: false` for waits that GitHub asked for. */
  retry(
    claim: ClaimedEffect,
    again: { error: string; runAtMs: number; countsAsTry: boolean },
    nowMs: number,
  ): Promise<void>;
  /** Given up; wanted anew it gets a new chance. */
  bury(claim: ClaimedEffect, error: string, nowMs: number): Promise<void>;
  /** Nothing of this installation is claimed before `untilMs`, except what ends tokens. A longer pause stays. */
  pauseInstallation(installationId: number, untilMs: number, reason: string): Promise<void>;
  /** When the next effect is due (pauses count); `null` when there is none. */
  nextDueMs(): Promise<number | null>;
  countByState(): Promise<Partial<Record<TaskRow['state'], number>>>;
};

export function createEffectQueries(db: Kysely<Schema>, engine: Engine, newId: () => string): EffectQueries {
  async function settle(
    claim: ClaimedEffect,
    columns: { state: 'ready' | 'dead'; run_at?: number; attempts?: number; last_error: string },
    nowMs: number,
  ): Promise<void> {
    await db
      .updateTable('tasks')
      .set((eb) => ({
        ...columns,
        // What was wanted anew while it failed gets its own chance.
        state: eb
          .case()
          .when('rev', '=', claim.rev)
          .then(columns.state)
          .else('ready' as const)
          .end(),
        lease_until: null,
        updated_at: nowMs,
        finished_at: columns.state === 'dead' ? nowMs : null,
      }))
      .where('id', '=', claim.id)
      .where('fence', '=', claim.fence)
      .where('state', '=', 'running')
      .execute();
  }

  return {
    async want(wanted, { nowMs, apartMs }) {
      const runAtMs = wanted.runAtMs ?? nowMs;
      await db
        .insertInto('tasks')
        .values({
          id: newId(),
          queue: 'outbox',
          dedupe_key: toEffectKey(wanted.effect),
          order_key: String(wanted.installationId),
          kind: wanted.effect.kind,
          payload: JSON.stringify(wanted.effect),
          installation_id: wanted.installationId,
          priority: effectPriority(wanted.effect.kind, wanted.weight ?? 'progress'),
          rev: 1,
          state: 'ready',
          attempts: 0,
          run_at: runAtMs,
          fence: 0,
          created_at: nowMs,
          updated_at: nowMs,
        })
        .onConflict((conflict) =>
          conflict.columns(['queue', 'dedupe_key']).doUpdateSet((eb) => ({
            payload: eb.ref('excluded.payload'),
            priority: eb.ref('excluded.priority'),
            installation_id: eb.ref('excluded.installation_id'),
            order_key: eb.ref('excluded.order_key'),
            rev: eb('tasks.rev', '+', 1),
            attempts: eb
              .case()
              .when('tasks.state', '=', 'ready')
              .then(eb.ref('tasks.attempts'))
              .else(0)
              .end(),
            state: eb
              .case()
              .when('tasks.state', '=', 'running')
              .then('running' as const)
              .else('ready' as const)
              .end(),
            run_at: eb
              .case()
              .when('tasks.state', '=', 'ready')
              .then(
                eb
                  .case()
                  .when(
                    eb.or([
                      eb('tasks.last_error', 'is not', null),
                      eb('tasks.run_at', '<', runAtMs),
                      // It waits for its distance already.
                      eb(eb.val(apartMs), '>', 0),
                    ]),
                  )
                  .then(eb.ref('tasks.run_at'))
                  .else(runAtMs)
                  .end(),
              )
              // While it is carried out, `run_at` is the end of its lease (see `claim`) or when it was wanted anew.
              .when('tasks.state', '=', 'running')
              .then(
                eb
                  .case()
                  .when('tasks.run_at', '<', runAtMs + apartMs)
                  .then(eb.ref('tasks.run_at'))
                  .else(runAtMs + apartMs)
                  .end(),
              )
              .when(eb.and([eb('tasks.state', '=', 'done'), eb('tasks.finished_at', '>', runAtMs - apartMs)]))
              .then(sql<number>`tasks.finished_at + ${apartMs}`)
              .else(runAtMs)
              .end(),
            finished_at: null,
            updated_at: nowMs,
          })),
        )
        .execute();
    },

    async claim(nowMs, leaseMs) {
      const row = await engine.inTurn(db, 'claim-effect', (on) => claimStatement(on, nowMs, leaseMs));
      return row ? toClaimedEffect(row) : null;
    },

    async finish(claim, nowMs) {
      const rows = await db
        .updateTable('tasks')
        .set((eb) => ({
          state: eb
            .case()
            .when('rev', '=', claim.rev)
            .then('done' as const)
            .else('ready' as const)
            .end(),
          attempts: 0,
          run_at: eb.case().when('rev', '=', claim.rev).then(nowMs).else(eb.ref('run_at')).end(),
          lease_until: null,
          last_error: null,
          updated_at: nowMs,
          finished_at: eb.case().when('rev', '=', claim.rev).then(nowMs).else(null).end(),
        }))
        .where('id', '=', claim.id)
        .where('fence', '=', claim.fence)
        .where('state', '=', 'running')
        .returning('id')
        .execute();
      return rows.length > 0;
    },

    async holds(claim) {
      const row = await db
        .selectFrom('tasks')
        .select('id')
        .where('id', '=', claim.id)
        .where('fence', '=', claim.fence)
        .where('state', '=', 'running')
        .executeTakeFirst();
      return row !== undefined;
    },

    async retry(claim, again, nowMs) {
      await settle(
        claim,
        {
          state: 'ready',
          run_at: again.runAtMs,
          attempts: claim.attempt - (again.countsAsTry ? 0 : 1),
          last_error: again.error,
        },
        nowMs,
      );
    },

    async bury(claim, error, nowMs) {
      await settle(claim, { state: 'dead', last_error: error }, nowMs);
    },

    async pauseInstallation(installationId, untilMs, reason) {
      await db
        .insertInto('installations')
        .values({ id: installationId, paused_until: untilMs, pause_reason: reason })
        .onConflict((conflict) =>
          conflict
            .column('id')
            .doUpdateSet({ paused_until: untilMs, pause_reason: reason })
            .where('installations.paused_until', '<', untilMs),
        )
        .execute();
    },

    async nextDueMs() {
      const row = await db
        .selectFrom('tasks')
        .leftJoin('installations', 'installations.id', 'tasks.installation_id')
        .select((eb) =>
          eb.fn
            .min<number | null>(
              eb
                .case()
                .when(
                  eb.and([
                    eb('installations.paused_until', '>', eb.ref('tasks.run_at')),
                    eb('tasks.kind', '!=', sql.lit(UNPAUSED)),
                  ]),
                )
                .then(eb.ref('installations.paused_until'))
                .else(eb.ref('tasks.run_at'))
                .end(),
            )
            .as('due'),
        )
        .where('tasks.queue', '=', sql.lit('outbox'))
        .where('tasks.state', '=', sql.lit('ready'))
        .executeTakeFirst();
      return row?.due ?? null;
    },

    async countByState() {
      const rows = await db
        .selectFrom('tasks')
        .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
        .where('queue', '=', 'outbox')
        .groupBy('state')
        .execute();
      return Object.fromEntries(rows.map((row) => [row.state, row.count]));
    },
  };

  function claimStatement(on: Kysely<Schema>, nowMs: number, leaseMs: number) {
    // Literals, not parameters: SQLite uses a partial index only when it can see that the condition holds.
    return on
      .with('due', (with_) =>
        with_
          .selectFrom('tasks as t')
          .select('t.id')
          .where('t.queue', '=', sql.lit('outbox'))
          .where('t.state', '=', sql.lit('ready'))
          .where('t.run_at', '<=', nowMs)
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom('tasks as other')
                  .select('other.id')
                  .where('other.queue', '=', sql.lit('outbox'))
                  .where('other.state', '=', sql.lit('running'))
                  .whereRef('other.order_key', '=', 't.order_key'),
              ),
            ),
          )
          .where((eb) =>
            eb.or([
              eb('t.kind', '=', sql.lit(UNPAUSED)),
              eb.not(
                eb.exists(
                  eb
                    .selectFrom('installations')
                    .select('installations.id')
                    .where('paused_until', '>', nowMs)
                    .whereRef('installations.id', '=', 't.installation_id'),
                ),
              ),
            ]),
          )
          .orderBy('t.priority', 'desc')
          .orderBy('t.id')
          .limit(1)
          .$if(engine.rowLocks, (query) => query.forUpdate('t').skipLocked()),
      )
      .updateTable('tasks')
      .set((eb) => ({
        state: 'running',
        attempts: eb('attempts', '+', 1),
        fence: eb('fence', '+', 1),
        lease_until: nowMs + leaseMs,
        // Later than any wish that may come meanwhile, so that the earliest of those counts.
        run_at: nowMs + leaseMs,
        claimed_by: engine.claimant,
        updated_at: nowMs,
      }))
      .where('id', 'in', (eb) => eb.selectFrom('due').select('due.id'))
      .returningAll()
      .executeTakeFirst();
  }
}

function toClaimedEffect(row: Selectable<TaskRow>): ClaimedEffect {
  return {
    id: row.id,
    effect: JSON.parse(row.payload) as Effect,
    // Every effect is stored with its installation; the column is empty only for deliveries.
    installationId: row.installation_id ?? 0,
    attempt: row.attempts,
    fence: row.fence,
    rev: row.rev,
  };
}

/**
 * Puts tasks of both queues that were being worked on back in line: at a start of the only coordinator nobody can be working on them
 * (`all`), otherwise those whose lease is over and those of claimants that are gone. Returns how many.
 */
export async function requeueRunning(
  db: Kysely<Schema>,
  which: 'all' | { leaseEndedBeforeMs: number; claimants: readonly number[] },
): Promise<number> {
  let query = db
    .updateTable('tasks')
    .set((eb) => ({ state: 'ready', lease_until: null, run_at: eb.ref('updated_at') }))
    .where('state', '=', sql.lit('running'));
  if (which !== 'all') {
    const { leaseEndedBeforeMs, claimants } = which;
    query = query.where((eb) =>
      eb.or([
        eb('lease_until', '<', leaseEndedBeforeMs),
        ...(claimants.length === 0 ? [] : [eb('claimed_by', 'in', claimants)]),
      ]),
    );
  }
  const rows = await query.returning('id').execute();
  return rows.length;
}
