import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';

type Table = CreateTableBuilder<string>;

/** Jobs, attempts, runners, tasks, and what belongs to them. */
export async function createFirstTables(
  db: Kysely<Schema>,
  engine: Pick<Engine, 'bytesType' | 'tuneTables'>,
): Promise<void> {
  await createJobs(db);
  await createAttempts(db, engine);
  await createRunners(db);
  await createTasks(db);
  await createMemory(db);
  await engine.tuneTables(db);
}

async function createJobs(db: Kysely<Schema>): Promise<void> {
  await columns(
    db.schema.createTable('jobs').addColumn('id', 'text', (c) => c.primaryKey()),
    {
      text: [
        'kind',
        'state',
        'repository',
        'issue',
        'specialty',
        'needs',
        'settings',
        'requested_by',
        'branch',
        'avoid',
      ],
      textOrNull: [
        'state_reason',
        'wait_code',
        'label',
        'instructions',
        'outcome',
        'pull_request',
        'attempt_id',
        'runner_id',
        'previous_job_id',
      ],
      number: [
        'installation_id',
        'repository_id',
        'issue_number',
        'priority',
        'attempt_number',
        'ready',
        'offers',
        'infrastructure_retries',
        'work_retries',
        'created_at',
        'updated_at',
        'run_at',
        'explained_at',
      ],
      numberOrNull: ['deadline_at', 'run_until', 'finished_at'],
    },
  ).execute();

  // One live job for each issue and specialty, whoever asks and however often.
  await sql`create unique index jobs_live on jobs (repository_id, issue_number, specialty) where state in
    ('queued', 'held', 'offered', 'preparing', 'running', 'finishing', 'cancelling')`.execute(db);
  await sql`create index jobs_issue on jobs (repository_id, issue_number, id)`.execute(db);
  await sql`create index jobs_queued on jobs (specialty, priority desc, id) where state = 'queued'`.execute(
    db,
  );
  await sql`create index jobs_explained on jobs (state, explained_at)`.execute(db);
  await sql`create index jobs_runner on jobs (runner_id) where runner_id is not null`.execute(db);
  await sql`create index jobs_deadline on jobs (deadline_at) where deadline_at is not null`.execute(db);
  await sql`create index jobs_run_until on jobs (run_until) where run_until is not null`.execute(db);
  await sql`create index jobs_state on jobs (state, id)`.execute(db);

  await columns(
    db.schema.createTable('job_events').addColumn('id', 'text', (c) => c.primaryKey()),
    {
      text: ['job_id', 'kind', 'text'],
      number: ['at'],
    },
  ).execute();
  await sql`create index job_events_job on job_events (job_id, id)`.execute(db);
}

async function createAttempts(db: Kysely<Schema>, engine: Pick<Engine, 'bytesType'>): Promise<void> {
  await columns(
    db.schema.createTable('attempts').addColumn('id', 'text', (c) => c.primaryKey()),
    {
      text: ['job_id'],
      textOrNull: [
        'base_branch',
        'base_commit',
        'branch',
        'start_commit',
        'announced_commit',
        'check_run_url',
        'runner_id',
        'runner_name',
        'lease_token_hash',
        'phase',
        'evidence',
        'result',
        'outcome',
      ],
      number: ['number', 'epoch', 'told_epoch', 'log_offset', 'created_at'],
      numberOrNull: ['check_run_id', 'accepted_at', 'finished_at'],
    },
  ).execute();
  await sql`create unique index attempts_job on attempts (job_id, number)`.execute(db);

  await db.schema
    .createTable('log_chunks')
    .addColumn('attempt_id', 'text', (c) => c.notNull())
    .addColumn('start_offset', 'bigint', (c) => c.notNull())
    .addColumn('data', sql.raw(engine.bytesType), (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('log_chunks_pk', ['attempt_id', 'start_offset'])
    .execute();
}

async function createRunners(db: Kysely<Schema>): Promise<void> {
  await columns(
    db.schema.createTable('runners').addColumn('id', 'text', (c) => c.primaryKey()),
    {
      text: ['name', 'hostname', 'capabilities', 'version', 'key_hash'],
      textOrNull: ['allowed_specialties', 'session_hash'],
      number: [
        'capacity',
        'session_epoch',
        'accepting',
        'draining',
        'drain_requested',
        'last_seen_at',
        'last_assigned_at',
        'enrolled_at',
      ],
      numberOrNull: ['session_expires_at', 'free_disk_bytes', 'revoked_at'],
    },
  ).execute();

  await db.schema
    .createTable('runner_specialties')
    .addColumn('specialty', 'text', (c) => c.notNull())
    .addColumn('runner_id', 'text', (c) => c.notNull().references('runners.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('runner_specialties_pk', ['specialty', 'runner_id'])
    .execute();

  await columns(
    db.schema.createTable('enroll_tokens').addColumn('token_hash', 'text', (c) => c.primaryKey()),
    {
      textOrNull: ['specialties', 'runner_id'],
      number: ['created_at', 'expires_at'],
      numberOrNull: ['used_at'],
    },
  ).execute();
}

async function createTasks(db: Kysely<Schema>): Promise<void> {
  await columns(
    db.schema.createTable('tasks').addColumn('id', 'text', (c) => c.primaryKey()),
    {
      text: ['queue', 'dedupe_key', 'order_key', 'kind', 'payload', 'state'],
      textOrNull: ['last_error'],
      number: ['priority', 'rev', 'attempts', 'run_at', 'fence', 'created_at', 'updated_at'],
      numberOrNull: ['installation_id', 'lease_until', 'claimed_by', 'finished_at'],
    },
  ).execute();
  await sql`create unique index tasks_key on tasks (queue, dedupe_key)`.execute(db);
  await sql`create index tasks_ready on tasks (queue, priority desc, id) where state = 'ready'`.execute(db);
  await sql`create index tasks_order on tasks (queue, order_key, id) where state in ('ready', 'running')`.execute(
    db,
  );
  await sql`create index tasks_running on tasks (queue, order_key) where state = 'running'`.execute(db);
  await sql`create index tasks_lease on tasks (lease_until) where state = 'running'`.execute(db);
  await sql`create index tasks_finished on tasks (finished_at) where finished_at is not null`.execute(db);

  await db.schema
    .createTable('installations')
    .addColumn('id', 'bigint', (c) => c.primaryKey())
    .addColumn('paused_until', 'bigint', (c) => c.notNull())
    .addColumn('pause_reason', 'text', (c) => c.notNull())
    .execute();
}

/** What has been answered, decided and sent before. */
async function createMemory(db: Kysely<Schema>): Promise<void> {
  await columns(
    db.schema
      .createTable('answers')
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('answers_pk', ['scope', 'key']),
    { text: ['request_hash', 'body'], number: ['created_at'] },
  ).execute();
  await sql`create index answers_created on answers (created_at)`.execute(db);

  await columns(
    db.schema.createTable('github_objects').addColumn('key', 'text', (c) => c.primaryKey()),
    {
      textOrNull: ['body_hash'],
      number: ['updated_at'],
      numberOrNull: ['object_id'],
    },
  ).execute();

  await columns(
    db.schema.createTable('trigger_keys').addColumn('key', 'text', (c) => c.primaryKey()),
    {
      text: ['outcome'],
      number: ['created_at'],
    },
  ).execute();
}

type Columns = { text?: string[]; textOrNull?: string[]; number?: string[]; numberOrNull?: string[] };

/** Numbers are 64 bits wide: times in milliseconds and GitHub's ids need them. */
function columns(table: CreateTableBuilder<string, string>, wanted: Columns): Table {
  let built: CreateTableBuilder<string, string> = table;
  for (const name of wanted.text ?? []) built = built.addColumn(name, 'text', (c) => c.notNull());
  for (const name of wanted.textOrNull ?? []) built = built.addColumn(name, 'text');
  for (const name of wanted.number ?? []) built = built.addColumn(name, 'bigint', (c) => c.notNull());
  for (const name of wanted.numberOrNull ?? []) built = built.addColumn(name, 'bigint');
  return built;
}
