import { z } from 'zod';
import { Capability, type Command, Specialty } from '../contract/job.ts';
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
const Commands = z.union(
  [
    CommandLine.transform((command) => [command]),
    z
      .array(z.union([CommandLine, Arguments], 'must be a command line or a list of arguments'))
      .max(MAX_COMMANDS),
  ],
  'must be a command line or a list of them',
);

const SpecialtyFields = z.strictObject(
  {
    needs: z.array(Capability, 'must be a list, such as [python, "node:22"]').max(20).optional(),
    setup: Commands.optional(),
    test: Commands.optional(),
    agent: text(100).optional(),
    model: text(100).optional(),
    guidance: text(20_000).optional(),
    max_minutes: wholeNumber(1, 1440).optional(),
    /** At least 1: agents take 0 for unlimited. */
    max_turns: wholeNumber(1, 10_000).optional(),
    max_budget_usd: z
      .number('must be a number above 0')
      .positive('must be above 0')
      .max(10_000, 'must be at most 10000')
      .optional(),
    repair_rounds: wholeNumber(0, 10).optional(),
  },
  'must be keys with values, such as "test: npm test"',
);
export type SpecialtyFields = z.infer<typeof SpecialtyFields>;

/**
 * `.github/yardmaster.yml` as people write it; a key without a value counts as absent. Commands come out as lists of
 * arguments.
 */
export const SettingsFile = z.strictObject(
  {
    /** Label → specialty. GitHub allows labels of up to 50 characters. */
    labels: z.record(text(50), Specialty, 'must be lines of "label: specialty"').nullish(),
    specialties: z
      .record(Specialty, SpecialtyFields.nullable(), 'must be names of specialties with their settings')
      .nullish(),
    defaults: SpecialtyFields.nullish(),
  },
  'must be keys with values: labels, specialties, defaults',
);
export type SettingsFile = z.infer<typeof SettingsFile>;

/** Known keys, for suggestions. */
export const TOP_LEVEL_KEYS = Object.keys(SettingsFile.shape);
export const SPECIALTY_KEYS = Object.keys(SpecialtyFields.shape);

function text(max: number): z.ZodString {
  const message = `must be text of 1 to ${max} characters`;
  return z.string(message).min(1, message).max(max, message);
}

function wholeNumber(min: number, max: number): z.ZodInt {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}
