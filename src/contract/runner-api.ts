import { z } from 'zod';
import { AttemptProgress, AttemptResult, Phase } from './attempt-result.ts';
import { Evidence } from './evidence.ts';
import { AttemptId, Capability, CommitId, JobId, RunnerId, Specialty } from './identifiers.ts';
import { JobPreview, JobSpec } from './job.ts';

/** Names the attempt's lease in every call of an attempt; a mismatch is 409 `stale_attempt`. */
export const LEASE_TOKEN_HEADER = 'yardmaster-lease-token';
/** The attempt's epoch, beside the lease token. */
export const EPOCH_HEADER = 'yardmaster-epoch';
/** On every call that changes state: a repeat with the same key gets the stored answer. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

/** Longest long poll, in seconds. */
export const MAX_POLL_SECONDS = 50;
/** Largest log chunk, in bytes of UTF-8. */
export const MAX_LOG_CHUNK_BYTES = 256 * 1024;
/** Most log kept of one attempt, in bytes. */
export const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** Longest patch that is handed over, in characters. */
export const MAX_PATCH_CHARACTERS = 512 * 1024;

const Empty = z.object({});

/** What a runner says of itself at enrolment and at each session. */
export const RunnerFacts = z.object({
  /** `agent_id` of runner.yml: the name people see. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/),
  hostname: z.string().max(255),
  specialties: z.array(Specialty).min(1).max(50),
  capabilities: z.array(Capability).max(200),
  /** How many attempts it takes at once. */
  capacity: z.int().min(1).max(100),
  version: z.string().max(100),
});
export type RunnerFacts = z.infer<typeof RunnerFacts>;

export const Offer = z.object({
  attemptId: AttemptId,
  jobId: JobId,
  epoch: z.int().positive(),
  specialty: Specialty,
  /** Seconds left to accept. */
  acceptWithinSeconds: z.number(),
});
export type Offer = z.infer<typeof Offer>;

export const PollRequest = z.object({
  waitSeconds: z.number().min(0).max(MAX_POLL_SECONDS),
  freeSlots: z.int().min(0).max(100),
  /** Of the workspace folder's file system. */
  freeDiskBytes: z.int().nonnegative(),
  /** Attempts that the runner holds, so that the coordinator can tell it to drop strays. */
  attempts: z.array(AttemptId).max(100),
  /** True from the first SIGTERM on: offer nothing more. */
  draining: z.boolean(),
  /** What the runner says of itself, when it has changed since it was told last; since 1.1. */
  facts: RunnerFacts.optional(),
});
export type PollRequest = z.infer<typeof PollRequest>;

export const PollResponse = z.object({
  offers: z.array(Offer),
  cancels: z.array(z.object({ attemptId: AttemptId, reason: z.string() })),
  /** An operator asked this runner to drain. */
  drain: z.boolean(),
});
export type PollResponse = z.infer<typeof PollResponse>;

export const HeartbeatResponse = z.object({
  action: z.enum(['continue', 'cancel', 'drain', 'superseded']),
  /** Why, for `cancel` and `superseded`. */
  reason: z.string().nullable(),
  /** How long the lease is from now on: a duration, never a time of day. */
  leaseSeconds: z.number().positive(),
  /** When to send the next heartbeat, before jitter. */
  heartbeatSeconds: z.number().positive(),
});
export type HeartbeatResponse = z.infer<typeof HeartbeatResponse>;

/** Why a runner gives an offer back. */
export const DeclineReason = z.enum([
  'draining',
  'no_capacity',
  'disk_full',
  'wrong_check_run',
  'github_unreachable',
  'unsupported',
]);
export type DeclineReason = z.infer<typeof DeclineReason>;

/** `run`: read contents (and, in a private repository, issues, for their images), write its check run. `publish`: write contents; given only while the lease holds, at the end. */
export const TokenPurpose = z.enum(['run', 'publish']);
export type TokenPurpose = z.infer<typeof TokenPurpose>;

export const GitHubToken = z.object({
  token: z.string().min(1),
  /** From now, as GitHub granted it. */
  expiresInSeconds: z.number().positive(),
});
export type GitHubToken = z.infer<typeof GitHubToken>;

type Call = {
  method: 'POST';
  /** With `:attemptId` where the call is about an attempt. */
  path: `/api/v1/${string}`;
  /** What authorises the call: a one-time token in the body, the runner's key, or a session (and the lease, for attempts). */
  auth: 'enroll-token' | 'runner-key' | 'session' | 'lease';
  /** Whether it changes state: then it carries an idempotency key. */
  idempotent: boolean;
  request: z.ZodType;
  response: z.ZodType;
  summary: string;
};

/** The runner API, whole: served by `runner-api/`, called by `runner/transport/coordinator.ts`. */
export const RUNNER_API = {
  enroll: {
    method: 'POST',
    path: '/api/v1/enroll',
    auth: 'enroll-token',
    idempotent: true,
    summary: 'Turn a one-time enrolment token into a runner id and key.',
    request: z.object({ token: z.string().min(1).max(500), facts: RunnerFacts }),
    response: z.object({ runnerId: RunnerId, key: z.string() }),
  },
  session: {
    method: 'POST',
    path: '/api/v1/session',
    auth: 'runner-key',
    idempotent: false,
    summary:
      'Open a session of one hour with the runner key; an older session of the same runner is superseded.',
    request: z.object({
      runnerId: RunnerId,
      facts: RunnerFacts,
      /** Made anew by each process: one that opens a session again, since the answer was lost, is no second one. Since 1.2. */
      processId: z.string().min(8).max(100).optional(),
    }),
    response: z.object({
      sessionToken: z.string(),
      expiresInSeconds: z.number(),
      coordinatorVersion: z.string(),
    }),
  },
  rotateKey: {
    method: 'POST',
    path: '/api/v1/key',
    auth: 'runner-key',
    // A repeat with the same key changes nothing, and an answer with nothing in it needs no keeping.
    idempotent: false,
    summary:
      'Announce a new runner key, made by the runner; the old one stays good until the new one is used. Since 1.1.',
    request: z.object({
      runnerId: RunnerId,
      /** At least 256 random bits. */
      newKey: z.string().regex(/^ymk_[A-Za-z0-9_-]{43,200}$/),
    }),
    response: Empty,
  },
  confirmKey: {
    method: 'POST',
    path: '/api/v1/key/confirm',
    auth: 'runner-key',
    idempotent: false,
    summary:
      'Show a runner key: a newly announced one replaces the one before. Disturbs no session. Since 1.1.',
    request: z.object({ runnerId: RunnerId }),
    response: z.object({
      /** False: it was the runner’s key already. */
      changed: z.boolean(),
    }),
  },
  poll: {
    method: 'POST',
    path: '/api/v1/poll',
    auth: 'session',
    idempotent: false,
    summary: 'Long poll: waits until there is an offer, a cancel or a drain, at most waitSeconds.',
    request: PollRequest,
    response: PollResponse,
  },
  accept: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/accept',
    auth: 'session',
    idempotent: true,
    summary: 'Take an offer: answers with the job, the lease and the run token.',
    request: z.object({ epoch: z.int().positive() }),
    response: z.object({
      spec: JobSpec,
      leaseToken: z.string(),
      leaseSeconds: z.number().positive(),
      heartbeatSeconds: z.number().positive(),
      runToken: GitHubToken,
    }),
  },
  decline: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/decline',
    auth: 'session',
    idempotent: true,
    summary:
      'Give an offer back, or an accepted attempt whose check run is not the right one or can’t be looked at; costs no retry.',
    request: z.object({ epoch: z.int().positive(), reason: DeclineReason, detail: z.string().max(500) }),
    response: Empty,
  },
  start: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/start',
    auth: 'lease',
    idempotent: true,
    summary: 'Workspace and baseline are ready; the agent starts.',
    request: Empty,
    response: Empty,
  },
  heartbeat: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/heartbeat',
    auth: 'lease',
    idempotent: false,
    summary: 'Renew the lease; hear whether to go on.',
    request: z.object({
      phase: Phase,
      /** Since 1.4. */
      progress: AttemptProgress.optional(),
    }),
    response: HeartbeatResponse,
  },
  log: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/log',
    auth: 'lease',
    idempotent: false,
    summary:
      'Append to the live log at a byte offset; the answer says what is stored, so that a repeat or a gap mends itself.',
    request: z.object({ offset: z.int().nonnegative(), text: z.string().max(MAX_LOG_CHUNK_BYTES) }),
    response: z.object({ committedOffset: z.int().nonnegative() }),
  },
  token: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/token',
    auth: 'lease',
    idempotent: false,
    summary:
      'A fresh GitHub token for the job’s repository. `publish` moves the job to finishing, once the lease has been checked.',
    request: z.object({
      purpose: TokenPurpose,
      /** For `publish`: the commit that is going to be pushed; `null` for `run`. */
      headCommit: CommitId.nullable(),
    }),
    response: GitHubToken,
  },
  evidence: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/evidence',
    auth: 'lease',
    idempotent: true,
    summary: 'What the runner saw so far; replaces what was sent before.',
    request: z.object({ evidence: Evidence }),
    response: Empty,
  },
  complete: {
    method: 'POST',
    path: '/api/v1/attempts/:attemptId/complete',
    auth: 'lease',
    idempotent: true,
    summary: 'The attempt has ended; the coordinator takes it from here.',
    request: z.object({
      result: AttemptResult,
      /** Whether GitHub has taken the final state of the check run from the runner; if not, it is the coordinator's to send. */
      checkRunFinished: z.boolean(),
      /** Work that was not pushed, for `git apply`, without secrets; absent = there is none, or it stays on the runner. Since 1.3. */
      patch: z.string().max(MAX_PATCH_CHARACTERS).optional(),
    }),
    response: Empty,
  },
  preview: {
    method: 'POST',
    path: '/api/v1/preview',
    auth: 'runner-key',
    idempotent: false,
    summary:
      'What a job on an issue would be, for the runner’s owner to look at. By the runner’s key, so that its session goes on; nothing is stored, and there is no token.',
    request: z.object({
      runnerId: RunnerId,
      repository: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, 'must be OWNER/REPOSITORY'),
      issueNumber: z.int().positive(),
      /** `null`: by the issue’s labels. */
      specialty: Specialty.nullable(),
    }),
    response: JobPreview,
  },
  closeSession: {
    method: 'POST',
    path: '/api/v1/session/close',
    auth: 'session',
    idempotent: false,
    summary: 'The runner leaves in order; it is offered nothing until its next session.',
    request: Empty,
    response: Empty,
  },
} as const satisfies Record<string, Call>;

export type RunnerCall = keyof typeof RUNNER_API;
export type RunnerRequest<C extends RunnerCall> = z.infer<(typeof RUNNER_API)[C]['request']>;
export type RunnerResponse<C extends RunnerCall> = z.infer<(typeof RUNNER_API)[C]['response']>;
