import { z } from 'zod';
import { Command } from '../../../contract/command-run.ts';
import { AttemptId, CommitId } from '../../../contract/identifiers.ts';

/** What set-up has made, and of what. */
export const KeptSetUp = z.object({
  commands: z.array(Command),
  /** What was checked out when it ran. */
  commit: CommitId,
});
export type KeptSetUp = z.infer<typeof KeptSetUp>;

/** A conversation of an agent that can be gone on with. */
export const KeptSession = z.object({
  agent: z.string(),
  version: z.string().nullable(),
  id: z.string(),
  /** Below the agent's folder. */
  files: z.array(z.string()),
});
export type KeptSession = z.infer<typeof KeptSession>;

/** What is known of a workspace that is kept for the next round of a pull request. Lies where nothing that runs in one can write. */
export const KeptRecord = z.object({
  /** Also the name of its folder. */
  attemptId: AttemptId,
  repositoryId: z.int().positive(),
  branch: z.string(),
  /** Where the pull request stood when it was kept. */
  head: CommitId,
  /** Wall clock. */
  keptAtMs: z.number(),
  /** Or why there is none, for people. */
  setUp: z.union([KeptSetUp, z.object({ whyNot: z.string() })]),
  session: z.union([KeptSession, z.object({ whyNot: z.string() })]),
});
export type KeptRecord = z.infer<typeof KeptRecord>;
