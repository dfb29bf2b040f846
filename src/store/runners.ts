import type { Kysely, Selectable } from 'kysely';
import type { JobId, RunnerId } from '../contract/identifiers.ts';
import type { RunnerFacts } from '../contract/runner-api.ts';
import type { RunnerView } from '../domain/job.ts';
import type { RunnerHealth } from '../domain/quarantine.ts';
import { SLOT_STATES } from '../domain/job-lifecycle.ts';
import type { Engine } from './engine.ts';
import type { RunnerRow, Schema } from './schema.ts';

/** A registered runner, as the registry knows it. */
export type StoredRunner = {
  id: RunnerId;
  name: string;
  hostname: string;
  specialties: string[];
  capabilities: string[];
  capacity: number;
  version: string;
  /** Which version of the runner API it speaks, such as `1.3`; `null`: it has not called since that is kept. */
  protocol: string | null;
  keyHash: string;
  /** Of the key that it is about to take; `null` = none. */
  nextKeyHash: string | null;
  /** What its enrolment token allowed; `null` = any. */
  allowedSpecialties: string[] | null;
  /** Hash of the session token; `null` when it has no session. */
  sessionHash: string | null;
  /** Grows with every session. */
  sessionEpoch: number;
  sessionExpiresAtMs: number | null;
  /** Its last poll had a free slot: with too little disk space it has none, whatever its capacity. */
  accepting: boolean;
  /** It says that it takes nothing more. */
  draining: boolean;
  /** An operator asked it to take nothing more. */
  drainRequested: boolean;
  freeDiskBytes: number | null;
  lastSeenAtMs: number;
  lastAssignedAtMs: number;
  enrolledAtMs: number;
  revokedAtMs: number | null;
  /** Sessions since `takeoversSinceMs` that took over a living one. */
  takeovers: number;
  takeoversSinceMs: number;
  /** `github`: it never speaks to the coordinator; they leave each other messages in check runs. */
  transport: 'coordinator' | 'github';
  /** It let an offer lapse and counts as gone until then; only for those that can't be heard while they are idle. */
  silentUntilMs: number | null;
} & RunnerHealth;

export type RunnerChange = Partial<
  Pick<
    StoredRunner,
    | 'protocol'
    | 'keyHash'
    | 'nextKeyHash'
    | 'sessionHash'
    | 'sessionEpoch'
    | 'sessionExpiresAtMs'
    | 'accepting'
    | 'draining'
    | 'drainRequested'
    | 'freeDiskBytes'
    | 'lastSeenAtMs'
    | 'lastAssignedAtMs'
    | 'revokedAtMs'
    | 'takeovers'
    | 'takeoversSinceMs'
    | keyof RunnerHealth
    | 'silentUntilMs'
  >
>;

/** A one-time permission to enrol. */
export type StoredEnrollToken = {
  tokenHash: string;
  specialties: string[] | null;
  createdAtMs: number;
  expiresAtMs: number;
  usedAtMs: number | null;
  runnerId: RunnerId | null;
};

/** Runners and their enrolment tokens. Secrets are stored only as hashes. */
export type RunnerQueries = {
  insert(runner: StoredRunner): Promise<void>;
  get(id: RunnerId): Promise<StoredRunner | null>;
  /** The same, and nobody else changes it until the end of the transaction: for changes that build on what was read. */
  lock(id: RunnerId): Promise<StoredRunner | null>;
  change(id: RunnerId, change: RunnerChange): Promise<void>;
  /** Replaces what the runner says of itself, its specialties included. Call it in a transaction: it is several statements. */
  setFacts(id: RunnerId, facts: RunnerFacts): Promise<void>;
  /** Every runner with its load; `gone` if not heard of for `goneMs`. */
  views(nowMs: number, goneMs: number): Promise<RunnerView[]>;

  insertEnrollToken(token: StoredEnrollToken): Promise<void>;
  getEnrollToken(tokenHash: string): Promise<StoredEnrollToken | null>;
  /** True for exactly one caller, ever. */
  useEnrollToken(tokenHash: string, runnerId: RunnerId, nowMs: number): Promise<boolean>;
};

export function createRunnerQueries(db: Kysely<Schema>, engine: Pick<Engine, 'rowLocks'>): RunnerQueries {
  async function readSpecialties(id: RunnerId): Promise<string[]> {
    const rows = await db
      .selectFrom('runner_specialties')
      .select('specialty')
      .where('runner_id', '=', id)
      .orderBy('specialty')
      .execute();
    return rows.map((row) => row.specialty);
  }

  async function read(id: RunnerId, isLocked: boolean): Promise<StoredRunner | null> {
    const row = await db
      .selectFrom('runners')
      .selectAll()
      .where('id', '=', id)
      .$if(isLocked, (query) => query.forUpdate())
      .executeTakeFirst();
    return row ? toRunner(row, await readSpecialties(id)) : null;
  }

  async function addSpecialties(id: RunnerId, specialties: readonly string[]): Promise<void> {
    const rows = [...new Set(specialties)].map((specialty) => ({ runner_id: id, specialty }));
    if (rows.length > 0) await db.insertInto('runner_specialties').values(rows).execute();
  }

  return {
    async insert(runner) {
      await db
        .insertInto('runners')
        .values({
          id: runner.id,
          name: runner.name,
          hostname: runner.hostname,
          capabilities: JSON.stringify(runner.capabilities),
          capacity: runner.capacity,
          version: runner.version,
          protocol: runner.protocol,
          key_hash: runner.keyHash,
          next_key_hash: runner.nextKeyHash,
          allowed_specialties: toJsonOrNull(runner.allowedSpecialties),
          session_hash: runner.sessionHash,
          session_epoch: runner.sessionEpoch,
          session_expires_at: runner.sessionExpiresAtMs,
          accepting: Number(runner.accepting),
          draining: Number(runner.draining),
          drain_requested: Number(runner.drainRequested),
          free_disk_bytes: runner.freeDiskBytes,
          last_seen_at: runner.lastSeenAtMs,
          last_assigned_at: runner.lastAssignedAtMs,
          enrolled_at: runner.enrolledAtMs,
          revoked_at: runner.revokedAtMs,
          failures: runner.failures,
          failed_jobs: JSON.stringify(runner.failedJobs),
          quarantined_until: runner.quarantinedUntilMs,
          quarantine_reason: runner.quarantineReason,
          takeovers: runner.takeovers,
          takeovers_since: runner.takeoversSinceMs,
          transport: runner.transport,
          silent_until: runner.silentUntilMs,
        })
        .execute();
      await addSpecialties(runner.id, runner.specialties);
    },

    get: (id) => read(id, false),
    lock: (id) => read(id, engine.rowLocks),

    async change(id, change) {
      await db
        .updateTable('runners')
        .set({
          protocol: change.protocol,
          key_hash: change.keyHash,
          next_key_hash: change.nextKeyHash,
          session_hash: change.sessionHash,
          session_epoch: change.sessionEpoch,
          session_expires_at: change.sessionExpiresAtMs,
          accepting: change.accepting === undefined ? undefined : Number(change.accepting),
          draining: change.draining === undefined ? undefined : Number(change.draining),
          drain_requested: change.drainRequested === undefined ? undefined : Number(change.drainRequested),
          free_disk_bytes: change.freeDiskBytes,
          last_seen_at: change.lastSeenAtMs,
          last_assigned_at: change.lastAssignedAtMs,
          revoked_at: change.revokedAtMs,
          failures: change.failures,
          failed_jobs: change.failedJobs === undefined ? undefined : JSON.stringify(change.failedJobs),
          quarantined_until: change.quarantinedUntilMs,
          quarantine_reason: change.quarantineReason,
          takeovers: change.takeovers,
          takeovers_since: change.takeoversSinceMs,
          silent_until: change.silentUntilMs,
        })
        .where('id', '=', id)
        .execute();
    },

    async setFacts(id, facts) {
      await db
        .updateTable('runners')
        .set({
          name: facts.name,
          hostname: facts.hostname,
          capabilities: JSON.stringify(facts.capabilities),
          capacity: facts.capacity,
          version: facts.version,
        })
        .where('id', '=', id)
        .execute();
      await db.deleteFrom('runner_specialties').where('runner_id', '=', id).execute();
      await addSpecialties(id, facts.specialties);
    },

    async views(nowMs, goneMs) {
      const rows = await db.selectFrom('runners').selectAll().orderBy('id').execute();
      const specialties = await db
        .selectFrom('runner_specialties')
        .selectAll()
        .orderBy('specialty')
        .execute();
      const loads = await db
        .selectFrom('jobs')
        .select((eb) => ['runner_id', eb.fn.countAll<number>().as('active')])
        .where('runner_id', 'is not', null)
        .where('state', 'in', SLOT_STATES)
        .groupBy('runner_id')
        .execute();
      const activeById = new Map(loads.map((load) => [load.runner_id, load.active]));
      const specialtiesById = Map.groupBy(specialties, (row) => row.runner_id);
      return rows.map((row) => {
        const own = specialtiesById.get(row.id) ?? [];
        const runner = toRunner(
          row,
          own.map((entry) => entry.specialty),
        );
        return toView(runner, { active: activeById.get(row.id) ?? 0, nowMs, goneMs });
      });
    },

    async insertEnrollToken(token) {
      await db
        .insertInto('enroll_tokens')
        .values({
          token_hash: token.tokenHash,
          specialties: toJsonOrNull(token.specialties),
          created_at: token.createdAtMs,
          expires_at: token.expiresAtMs,
          used_at: token.usedAtMs,
          runner_id: token.runnerId,
        })
        .execute();
    },

    async getEnrollToken(tokenHash) {
      const row = await db
        .selectFrom('enroll_tokens')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst();
      if (!row) return null;
      return {
        tokenHash: row.token_hash,
        specialties: row.specialties === null ? null : (JSON.parse(row.specialties) as string[]),
        createdAtMs: row.created_at,
        expiresAtMs: row.expires_at,
        usedAtMs: row.used_at,
        runnerId: row.runner_id as RunnerId | null,
      };
    },

    async useEnrollToken(tokenHash, runnerId, nowMs) {
      const rows = await db
        .updateTable('enroll_tokens')
        .set({ used_at: nowMs, runner_id: runnerId })
        .where('token_hash', '=', tokenHash)
        .where('used_at', 'is', null)
        .returning('token_hash')
        .execute();
      return rows.length > 0;
    },
  };
}

/** Ids and JSON were written by this file from values of these very types. */
function toRunner(row: Selectable<RunnerRow>, specialties: string[]): StoredRunner {
  return {
    id: row.id as RunnerId,
    name: row.name,
    hostname: row.hostname,
    specialties,
    capabilities: JSON.parse(row.capabilities) as string[],
    capacity: row.capacity,
    version: row.version,
    protocol: row.protocol,
    keyHash: row.key_hash,
    nextKeyHash: row.next_key_hash,
    allowedSpecialties:
      row.allowed_specialties === null ? null : (JSON.parse(row.allowed_specialties) as string[]),
    sessionHash: row.session_hash,
    sessionEpoch: row.session_epoch,
    sessionExpiresAtMs: row.session_expires_at,
    accepting: row.accepting === 1,
    draining: row.draining === 1,
    drainRequested: row.drain_requested === 1,
    freeDiskBytes: row.free_disk_bytes,
    lastSeenAtMs: row.last_seen_at,
    lastAssignedAtMs: row.last_assigned_at,
    enrolledAtMs: row.enrolled_at,
    revokedAtMs: row.revoked_at,
    failures: row.failures,
    failedJobs: row.failed_jobs === null ? [] : (JSON.parse(row.failed_jobs) as JobId[]),
    quarantinedUntilMs: row.quarantined_until,
    quarantineReason: row.quarantine_reason,
    takeovers: row.takeovers,
    takeoversSinceMs: row.takeovers_since,
    transport: row.transport,
    silentUntilMs: row.silent_until,
  };
}

function toView(runner: StoredRunner, now: { active: number; nowMs: number; goneMs: number }): RunnerView {
  return {
    id: runner.id,
    name: runner.name,
    hostname: runner.hostname,
    specialties: runner.specialties,
    capabilities: runner.capabilities,
    isAwaited: runner.transport === 'coordinator' && runner.sessionEpoch === 0 && runner.sessionHash === null,
    capacity: runner.capacity,
    active: now.active,
    accepting: runner.accepting,
    quarantinedUntilMs: runner.quarantinedUntilMs,
    quarantineReason: runner.quarantineReason,
    state: toState(runner, now.nowMs, now.goneMs),
    lastSeenAtMs: runner.lastSeenAtMs,
    lastAssignedAtMs: runner.lastAssignedAtMs,
    version: runner.version,
    protocol: runner.protocol,
    transport: runner.transport,
  };
}

function toState(runner: StoredRunner, nowMs: number, goneMs: number): RunnerView['state'] {
  if (runner.revokedAtMs !== null) return 'revoked';
  if (isGone(runner, nowMs, goneMs)) return 'gone';
  return runner.draining || runner.drainRequested ? 'draining' : 'online';
}

/** One that only reaches GitHub says nothing while it is idle: it counts as there until it lets an offer lapse. */
function isGone(runner: StoredRunner, nowMs: number, goneMs: number): boolean {
  if (runner.transport === 'github') return (runner.silentUntilMs ?? 0) > nowMs;
  return runner.sessionHash === null || runner.lastSeenAtMs < nowMs - goneMs;
}

function toJsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
