import type { Command } from '../../contract/command-run.ts';

/** A command, and the file and reason it was found by: shown on the check run and in the prompt. */
export type FoundCommand = { command: Command; reason: string };

/** What a look at the files (nothing is run) tells about a repository. */
export type RepositoryAnalysis = {
  languages: { name: string; files: number }[];
  packageManagers: string[];
  frameworks: string[];
  /** Where what was found; '' is the root. `omitted`: how many more there are, beyond what one job can look after. */
  projects: { found: { folder: string; ecosystem: string }[]; omitted: number };
  setup: FoundCommand[];
  test: FoundCommand[];
  lint: FoundCommand[];
  /** Tracked paths, most telling first, cut to a few hundred; `omitted` says how many are left out. */
  fileMap: { paths: string[]; omitted: number };
  /** The repository's own advice for the specialty, `.github/yardmaster/<specialty>.md`, cut; `null` = there is none. */
  guidance: { path: string; text: string } | null;
  /**
   * The repository's own instructions for agents (AGENTS.md, CLAUDE.md, CONTRIBUTING.md), cut: those of the root first, then those of
   * folders below. As they are in `folder`, so from the base, before an agent has touched it.
   */
  instructions: { path: string; text: string }[];
};
