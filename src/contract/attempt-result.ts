import { z } from 'zod';
import { Evidence } from './evidence.ts';
import { CommitId } from './identifiers.ts';

export const Phase = z.enum(['prepare', 'baseline', 'agent', 'verify', 'publish']);
export type Phase = z.infer<typeof Phase>;

export const Outcome = z.enum([
  'pull_request',
  'no_changes',
  'tests_failed',
  'agent_failed',
  'policy_refused',
  'timed_out',
  'cancelled',
  'lost',
]);
export type Outcome = z.infer<typeof Outcome>;

export const Usage = z.object({
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  /** The agent's own estimate; `null` when it gives none. */
  costUsd: z.number().nonnegative().nullable(),
  turns: z.int().nonnegative(),
});
export type Usage = z.infer<typeof Usage>;

/** Who works on an attempt and what it has used so far, while it is under way. */
export const AttemptProgress = z.object({
  agent: z.object({ name: z.string().max(1000), model: z.string().max(1000).nullable() }),
  usage: Usage,
});
export type AttemptProgress = z.infer<typeof AttemptProgress>;

export const FileChange = z.object({
  path: z.string().max(4096),
  status: z.enum(['added', 'modified', 'deleted', 'renamed', 'mode']),
  /** Lines; `null` for binary files. */
  added: z.int().nonnegative().nullable(),
  removed: z.int().nonnegative().nullable(),
  /** The repository calls it generated (`linguist-generated`), so GitHub folds it; absent = no. */
  generated: z.boolean().optional(),
});
export type FileChange = z.infer<typeof FileChange>;

/** A place in the work that a rule keeps from being published; never what stands there. `line`: `null` when it is about the whole file. */
export const PolicyFinding = z.object({
  path: z.string().max(1000),
  line: z.int().positive().nullable(),
  /** What is wrong there, as the rest of a sentence. */
  rule: z.string().max(200),
});
export type PolicyFinding = z.infer<typeof PolicyFinding>;

/** How an attempt ended, as the runner reports it. */
export const AttemptResult = z.object({
  outcome: Outcome.exclude(['lost']),
  /** One sentence for people: why it ended so. */
  reason: z.string().max(2000),
  /** Whether the same again might go better (the agent's service was down, it crashed); drives automatic retries. */
  retryable: z.boolean(),
  /** The pushed head of the branch; `null` when nothing was pushed. */
  headCommit: CommitId.nullable(),
  /** The agent's own words about its work: hostile text. */
  summary: z.string().max(20_000),
  changes: z.array(FileChange).max(300),
  /** How many files changed in all, `changes` may be cut. */
  changedFiles: z.int().nonnegative(),
  /** What is not among them, since tools made it on the way: a folder with a slash at its end, or a file; may be cut. Absent = nothing. */
  leftOut: z
    .array(z.object({ path: z.string().max(1000), what: z.string().max(100), files: z.int().positive() }))
    .max(20)
    .optional(),
  agent: z.object({
    name: z.string().max(1000),
    version: z.string().max(1000).nullable(),
    model: z.string().max(1000).nullable(),
    /** Those that would have come before it, and why they could not do the work; absent = none. Their share of `usage` is in there. */
    passedOver: z
      .array(z.object({ name: z.string().max(1000), reason: z.string().max(2000) }))
      .max(10)
      .optional(),
  }),
  usage: Usage,
  evidence: Evidence,
  phaseMs: z.partialRecord(Phase, z.number().nonnegative()),
  /** `bubblewrap`, or `none` when the agent ran without a sandbox. */
  sandbox: z.enum(['bubblewrap', 'none']),
  /** Which limit ended the work before it was done, in a sentence; what there is becomes a draft. Absent = it was done. */
  unfinished: z.string().max(2000).optional(),
  /**
   * Threads of the revision that the agent was told of, by their ids: the others had no room. Absent = all of them, or nobody knows.
   */
  toldThreads: z.array(z.int().positive()).max(100).optional(),
  /** Somebody pushed to the branch of a pull request while it was reworked: this says nothing of the runner. Absent = no. */
  overtaken: z.boolean().optional(),
  /** The rules refused the work at some time, also if the agent mended it then: its log is not for everybody. Since 1.4. */
  wasRefused: z.literal(true).optional(),
  /** Of work that was refused: places that the rules are against; may be cut. Absent = none are known. */
  findings: z.array(PolicyFinding).max(50).optional(),
});
export type AttemptResult = z.infer<typeof AttemptResult>;
