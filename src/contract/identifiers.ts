import { z } from 'zod';

export const JobId = z.uuid().brand<'JobId'>();
export type JobId = z.infer<typeof JobId>;

export const AttemptId = z.uuid().brand<'AttemptId'>();
export type AttemptId = z.infer<typeof AttemptId>;

export const RunnerId = z.uuid().brand<'RunnerId'>();
export type RunnerId = z.infer<typeof RunnerId>;

/** A git commit id in full: SHA-1 or SHA-256, lower case. */
export const CommitId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'must be a full git commit id');

/** What an issue is routed by: lower case, e.g. `backend`. */
export const Specialty = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,49}$/, 'must be 1 to 50 of a-z 0-9 . _ - and start with a letter or digit');

/** A fact probed on a machine: `python`, `node:22`, `os:linux`. */
export const Capability = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.:+-]{0,99}$/, 'must be lower case, such as python, node:22 or os:linux');
