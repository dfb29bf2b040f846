import type { Generated } from 'kysely';
import type { Outcome, Phase } from '../contract/attempt-result.ts';
import type { JobState } from '../contract/job.ts';

/**
 * The tables, as Kysely sees them. All times are milliseconds since the epoch; ids are UUIDs of version 7; what is only read and
 * written whole is JSON as text; flags are 0 or 1. The same on both engines.
 */
export type Schema = {
  jobs: JobRow;
  attempts: AttemptRow;
  job_events: JobEventRow;
  log_chunks: LogChunkRow;
  patches: PatchRow;
  runners: RunnerRow;
  runner_specialties: { runner_id: string; specialty: string };
  enroll_tokens: EnrollTokenRow;
  answers: AnswerRow;
  tasks: TaskRow;
  installations: { id: number; paused_until: number; pause_reason: string };
  github_objects: GitHubObjectRow;
  check_run_mail: CheckRunMailRow;
  attempt_tokens: AttemptTokenRow;
  commands: CommandRow;
  presses: PressRow;
  review_threads: {
    repository_id: number;
    thread_id: number;
    pull_number: number;
    resolved: number;
    updated_at: number;
  };
  notes: NoteRow;
  waiting_reviews: {
    repository_id: number;
    pull_number: number;
    login: string;
    user_id: number;
    said_at: string;
  };
  kept_settings: { repository_id: number; text: string; updated_at: number };
  sweeps: { name: string; due_at: number; lease_until: number; mark: string | null };
  repositories: { id: number; installation_id: number; repository: string };
  out_of_reach: { job_id: string; repository_id: number };
  label_aliases: { repository_id: number; name: string; stands_for: string };
  write_turns: { key: string; next_start_at: number };
  recent_writes: { id: string; key: string; at: number };
  trigger_keys: { key: string; outcome: string; created_at: number };
};

export type JobRow = {
  id: string;
  kind: string;
  state: JobState;
  state_reason: string | null;
  wait_code: string | null;
  installation_id: number;
  repository_id: number;
  repository: string;
  issue_number: number;
  issue: string;
  specialty: string;
  needs: string;
  settings: string;
  instructions: string | null;
  requested_by: string;
  requested_by_id: number | null;
  label: string | null;
  priority: number;
  priority_source: string | null;
  branch: string;
  outcome: Outcome | null;
  pull_request: string | null;
  revision: string | null;
  attempt_id: string | null;
  attempt_number: number;
  runner_id: string | null;
  ready: number;
  offers: number;
  infrastructure_retries: number;
  work_retries: number;
  avoid: string;
  previous_job_id: string | null;
  created_at: number;
  updated_at: number;
  run_at: number;
  deadline_at: number | null;
  run_until: number | null;
  explained_at: number;
  finished_at: number | null;
};

export type AttemptRow = {
  id: string;
  job_id: string;
  number: number;
  epoch: number;
  told_epoch: number;
  base_branch: string | null;
  base_commit: string | null;
  base_head: string | null;
  branch: string | null;
  start_commit: string | null;
  announced_commit: string | null;
  check_run_id: number | null;
  check_run_url: string | null;
  runner_id: string | null;
  runner_name: string | null;
  lease_token_hash: string | null;
  budget: string | null;
  phase: Phase | null;
  progress: string | null;
  evidence: string | null;
  result: string | null;
  outcome: Outcome | null;
  log_offset: number;
  /** Millionths of a US dollar; `null` when nobody could say. */
  cost_micro_usd: number | null;
  /** `null` when nobody could say, and for attempts from before they were kept. */
  input_tokens: number | null;
  output_tokens: number | null;
  created_at: number;
  accepted_at: number | null;
  finished_at: number | null;
};

export type AttemptTokenRow = {
  token_hash: string;
  attempt_id: string;
  epoch: number;
  sealed: string;
  expires_at: number;
};

export type JobEventRow = { id: string; job_id: string; at: number; kind: string; text: string };

export type LogChunkRow = { attempt_id: string; start_offset: number; data: Uint8Array; at: number };

export type PatchRow = { attempt_id: string; data: Uint8Array; at: number };

export type RunnerRow = {
  id: string;
  name: string;
  hostname: string;
  capabilities: string;
  capacity: number;
  version: string;
  protocol: string | null;
  key_hash: string;
  allowed_specialties: string | null;
  session_hash: string | null;
  session_epoch: number;
  session_expires_at: number | null;
  accepting: number;
  draining: number;
  drain_requested: number;
  free_disk_bytes: number | null;
  last_seen_at: number;
  last_assigned_at: number;
  enrolled_at: number;
  revoked_at: number | null;
  failures: Generated<number>;
  /** Ids of jobs, as JSON. */
  failed_jobs: string | null;
  next_key_hash: string | null;
  quarantined_until: number | null;
  quarantine_reason: string | null;
  takeovers: Generated<number>;
  takeovers_since: Generated<number>;
  transport: Generated<'coordinator' | 'github'>;
  silent_until: number | null;
};

export type EnrollTokenRow = {
  token_hash: string;
  specialties: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  runner_id: string | null;
};

export type AnswerRow = {
  scope: string;
  key: string;
  request_hash: string;
  body: string;
  created_at: number;
};

export type TaskRow = {
  id: string;
  queue: 'inbox' | 'outbox';
  dedupe_key: string;
  order_key: string;
  kind: string;
  payload: string;
  installation_id: number | null;
  priority: number;
  rev: number;
  state: 'ready' | 'running' | 'done' | 'dead';
  attempts: number;
  run_at: number;
  lease_until: number | null;
  /** Which coordinator works on it, where there may be several. */
  claimed_by: number | null;
  fence: number;
  last_error: string | null;
  created_at: number;
  updated_at: number;
  finished_at: number | null;
};

export type CommandRow = {
  repository_id: number;
  comment_id: number;
  thread_id: number | null;
  installation_id: number;
  repository: string;
  issue_number: number;
  subject_number: number;
  sender: string;
  verdict: 'accepted' | 'refused' | null;
  reason: string | null;
  topics: string;
  created_at: number;
};

export type PressRow = {
  key: string;
  repository_id: number;
  installation_id: number;
  repository: string;
  issue_number: number;
  attempt_id: string;
  button: string;
  sender: string;
  reason: string | null;
  created_at: number;
};

export type NoteRow = {
  key: string;
  repository_id: number;
  installation_id: number;
  repository: string;
  number: number;
  text: string;
  created_at: number;
};

export type GitHubObjectRow = {
  key: string;
  object_id: number | null;
  body_hash: string | null;
  updated_at: number;
};

export type CheckRunMailRow = {
  attempt_id: string;
  open: number;
  nonce: string | null;
  number: number;
  log_end: number;
  heartbeat_ms: number;
  sent: string | null;
  etag: string | null;
  looked_at: number;
};
