import { z } from 'zod';
import { explainBadPattern, MAX_PATTERN_CHARACTERS, MAX_PATTERNS } from './path-patterns.ts';

/** Text of a settings file, of 1 to `max` characters. */
export function text(max: number): z.ZodString {
  const message = `must be text of 1 to ${max} characters`;
  return z.string(message).min(1, message).max(max, message);
}

/** A whole number of a settings file, from `min` to `max`. */
export function wholeNumber(min: number, max: number): z.ZodInt {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

const PathPattern = text(MAX_PATTERN_CHARACTERS).superRefine((pattern, context) => {
  const message = explainBadPattern(pattern);
  if (message !== null) context.addIssue({ code: 'custom', message, input: pattern });
});

/** Paths of a repository, as patterns: `docs/**`. */
export const PathPatterns = z
  .array(PathPattern, 'must be a list, such as [docs/**, "**/*.md"]')
  .max(MAX_PATTERNS, `must be at most ${MAX_PATTERNS} patterns`);
