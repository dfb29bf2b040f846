import { z } from 'zod';
import { Command, CommandRun } from './command-run.ts';
import { CommitId } from './identifiers.ts';

export const TestCounts = z.object({
  passed: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  skipped: z.int().nonnegative(),
});
export type TestCounts = z.infer<typeof TestCounts>;

export const TestRun = z.object({
  /** `not_run` when set-up failed, or there are no test commands. */
  verdict: z.enum(['passed', 'failed', 'not_run']),
  runs: z.array(CommandRun).max(20),
  /** Sum over `runs` where the test framework's own summary could be read, else `null`. */
  counts: TestCounts.nullable(),
});
export type TestRun = z.infer<typeof TestRun>;

/** Tests by name, the list may be cut: hostile text, redacted, in one line each. */
export const NamedTests = z.object({
  names: z.array(z.string().max(300)).max(50),
  /** How many there are in all. */
  total: z.int().nonnegative(),
});
export type NamedTests = z.infer<typeof NamedTests>;

/** What became of each single test, where the frameworks tell of them. */
export const TestChanges = z.object({
  /** Failed before, pass now. */
  newlyPassing: NamedTests,
  /** Fail now, and passed or were not there before. */
  newlyFailing: NamedTests,
  stillFailing: NamedTests,
  /** Failed, and passed when run once more without any change. */
  flaky: NamedTests,
  /** Were there before, and are not run any more. */
  gone: NamedTests,
  /**
   * Whether surely every failing test is among them: each red command told its tests, and as many as its summary counts. Otherwise
   * nothing may be concluded from a test that is not listed.
   */
  complete: z.boolean(),
});
export type TestChanges = z.infer<typeof TestChanges>;

/** A test that fails, with the words of its framework: hostile text, redacted. */
export const FailedTest = z.object({
  name: z.string().max(300),
  /** May be empty. */
  message: z.string().max(2000),
  /** The line of the pushed work that the framework names; `null` when it names none that is there. */
  place: z.object({ path: z.string().max(1000), line: z.int().positive() }).nullable(),
});
export type FailedTest = z.infer<typeof FailedTest>;

/** What came of it that the base branch had moved on when the work was done. */
export const Rebase = z.object({
  /** The base branch. */
  branch: z.string().max(255),
  /** What the work was begun from. */
  from: CommitId,
  /** Where the branch stood at the end; `null` when that could not be seen. */
  onto: CommitId.nullable(),
  /**
   * `rebased`: the work was put there, tested, and published so. Otherwise it is published on `from`: there are conflicts, tests turned
   * red there, or there was another reason.
   */
  kind: z.enum(['rebased', 'conflict', 'red', 'not_tried']),
  /** What stood in the way, for people: hostile text, redacted. Empty when nothing did. */
  reason: z.string().max(2000),
});
export type Rebase = z.infer<typeof Rebase>;

/** How many of the changed lines that hold something to run the tests ran, as the repository's own tools tell. */
export const Coverage = z.object({
  covered: z.int().nonnegative(),
  lines: z.int().positive(),
  /** Those with most lines that nothing ran. */
  files: z
    .array(
      z.object({ path: z.string().max(1000), covered: z.int().nonnegative(), lines: z.int().positive() }),
    )
    .max(20),
});
export type Coverage = z.infer<typeof Coverage>;

/** Something that was tried and not let through by the sandbox. */
export const RefusedHost = z.object({
  /** `name:port`, as it was asked for: hostile text. */
  host: z.string().max(300),
  by: z.enum(['agent', 'setup', 'tests']),
  /**
   * `not_named`: nobody allows it. `not_here`: the repository's settings do, but not the machine. `not_public`: both do, but it leads into a
   * network of the machine's own, or nowhere.
   */
  why: z.enum(['not_named', 'not_here', 'not_public']),
});
export type RefusedHost = z.infer<typeof RefusedHost>;

/** What the runner itself saw: never what the agent says. */
export const Evidence = z.object({
  setup: z.array(CommandRun).max(20),
  /** Set-up was left out before the work, since what it made for the work before on the pull request was still there; absent = no. */
  setupIsKept: z.boolean().optional(),
  /** On the untouched base; `null` when not reached. */
  before: TestRun.nullable(),
  /** On the work of the agent; `null` when not reached. */
  after: TestRun.nullable(),
  /** Why each command of set-up and tests was chosen; absent in evidence of older runners. */
  reasons: z
    .array(z.object({ command: Command, reason: z.string().max(500) }))
    .max(40)
    .optional(),
  /** Why there is no test command, when there is none. */
  withoutTests: z.string().max(2000).nullable(),
  /** How often a red result was given back to the agent. */
  repairRounds: z.int().nonnegative(),
  /** Absent where no framework told of single tests, before or after. */
  tests: TestChanges.optional(),
  /** The first of the tests that fail after the work; absent where no framework told of any. */
  failures: z.array(FailedTest).max(20).optional(),
  /** Absent where the base branch had not moved, or nobody looked. */
  rebase: Rebase.optional(),
  /** Absent where nothing tells, or it was not looked at. */
  coverage: Coverage.optional(),
  /** The first of them, each once; absent where nothing was refused. */
  refusedHosts: z.array(RefusedHost).max(50).optional(),
});
export type Evidence = z.infer<typeof Evidence>;
