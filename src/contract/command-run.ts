import { z } from 'zod';

/** A program and its arguments; never a shell line. */
export const Command = z.array(z.string().min(1).max(32_000)).min(1).max(2000);
export type Command = z.infer<typeof Command>;

/** One command that the runner ran, and what it saw. */
export const CommandRun = z.object({
  command: Command,
  /** `null` when it was ended by a signal or could not be started. */
  exitCode: z.int().nullable(),
  timedOut: z.boolean(),
  durationMs: z.number().nonnegative(),
  /** The last part of stdout and stderr together, redacted, without control characters, at most 8 KiB. */
  outputTail: z.string().max(16_384),
});
export type CommandRun = z.infer<typeof CommandRun>;
