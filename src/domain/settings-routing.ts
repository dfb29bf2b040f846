import { z } from 'zod';
import { Specialty } from '../contract/identifiers.ts';
import { PathPatterns, text } from './settings-values.ts';

/** One rule of `routing`. */
export const RoutingFields = z.strictObject(
  {
    specialty: Specialty.describe('Which specialty such issues are for.'),
    paths: PathPatterns.optional().describe(
      'Paths that the issue names: frontend, "**/*.tsx", … A folder stands for all that is in it.',
    ),
    words: z
      .array(text(100), 'must be a list of words')
      .max(50, 'must be at most 50')
      .optional()
      .describe('Words or phrases of its title or text.'),
    types: z
      .array(text(100), 'must be a list of issue types, such as [Bug]')
      .max(20, 'must be at most 20')
      .optional()
      .describe('Types of issues.'),
    fields: z
      .record(
        text(200),
        z.array(text(200), 'must be a list of answers').max(50, 'must be at most 50'),
        'must be lines of "question: [answers]"',
      )
      .optional()
      .describe('Questions of an issue form, with the answers that speak for the specialty.'),
  },
  'must be keys with values: specialty, and paths, words, types or fields',
);

/** `routing` in the settings. */
export const Routing = z
  .array(RoutingFields, 'must be a list of rules, such as "- specialty: frontend"')
  .max(50, 'must be at most 50 rules')
  .describe('Which specialty an issue without a label is for, when somebody writes /agent run.');
