import { z } from 'zod';
import type { Command } from '../contract/command-run.ts';
import { splitCommandLine } from './split-command-line.ts';

/** More would not fit into the evidence of a run. */
const MAX_COMMANDS = 20;

const CommandLine = z
  .string()
  .max(2000)
  .transform((line, context): Command => {
    const reading = splitCommandLine(line);
    if (reading.ok) return reading.command;
    context.addIssue({ code: 'custom', message: `${reading.message}; ${reading.fix}`, input: line });
    return z.NEVER;
  });

const Arguments = z.array(z.string().min(1, 'must not be empty')).min(1, 'must name a command').max(200);

/** A command line, or a list whose entries are command lines or lists of arguments. */
export const Commands = z.union(
  [
    CommandLine.transform((command) => [command]),
    z
      .array(z.union([CommandLine, Arguments], 'must be a command line or a list of arguments'))
      .max(MAX_COMMANDS),
  ],
  'must be a command line or a list of them',
);
