import { z } from 'zod';
import { Phase } from '../../contract/attempt-result.ts';

/** What a runner is at, in a word; `unable`: its machine lacks what every job needs. */
export const RUNNER_STATES = ['connecting', 'ready', 'unable', 'paused', 'draining'] as const;
export type RunnerState = (typeof RUNNER_STATES)[number];

const AttemptUnderWay = z.object({
  attemptId: z.string(),
  jobId: z.string(),
  specialty: z.string(),
  /** `owner/name`. */
  repository: z.string(),
  issue: z.number(),
  agent: z.string(),
  phase: Phase,
  startedAtMs: z.number(),
});
export type AttemptUnderWay = z.infer<typeof AttemptUnderWay>;

const EndedAttempt = AttemptUnderWay.extend({
  /** One of the protocol's outcomes, or `given_back`, or `lost`. */
  outcome: z.string(),
  endedAtMs: z.number(),
});
export type EndedAttempt = z.infer<typeof EndedAttempt>;

/** All that a running daemon says of itself on its machine; times by the wall clock. */
export const RunnerStatus = z.object({
  state: z.enum(RUNNER_STATES),
  /** Why it takes nothing now, for people; `null` = it takes work. */
  notReady: z.string().nullable(),
  runnerId: z.string(),
  name: z.string(),
  version: z.string(),
  pid: z.number(),
  startedAtMs: z.number(),
  transport: z.enum(['coordinator', 'github']),
  /** The coordinator, or GitHub’s API where there is none. */
  farSide: z.string(),
  contact: z.object({
    connected: z.boolean(),
    lastAnswerAtMs: z.number().nullable(),
    trouble: z.string().nullable(),
  }),
  paused: z.object({ sinceMs: z.number(), reason: z.string().nullable() }).nullable(),
  settings: z.object({
    readAtMs: z.number(),
    /** Of runner.yml as it is now; empty = it is in force. */
    problems: z.array(z.string()),
    /** Keys that were changed and count after a restart. */
    needsRestart: z.array(z.string()),
  }),
  specialties: z.array(z.string()),
  capabilities: z.array(z.string()),
  capacity: z.number(),
  sandbox: z.enum(['bubblewrap', 'none']),
  workspaceRoot: z.string(),
  freeDiskBytes: z.number().nullable(),
  /** What all below the workspace root takes, and may take; absent from older runners. */
  disk: z
    .object({
      usedBytes: z.number().nullable(),
      quota: z.object({ total: z.number().nullable(), attempt: z.number().nullable() }),
    })
    .optional(),
  healthUrl: z.string().nullable(),
  /** Under way, the oldest first. */
  attempts: z.array(AttemptUnderWay),
  /** The newest first, since this process began. */
  ended: z.array(EndedAttempt),
  /** Attempts whose end is still to be reported. */
  unreported: z.array(z.string()),
});
export type RunnerStatus = z.infer<typeof RunnerStatus>;
