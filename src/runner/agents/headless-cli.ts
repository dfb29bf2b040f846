import type { ModelApiName } from '../sandbox/model-apis.ts';
import type { AgentEvent, AgentTask } from './agent.ts';
import type { TestedVersions } from './tested-version.ts';

/** One run of a command line, when everything around it is known. */
export type CliRun = {
  task: AgentTask;
  /** `null` = the command line's own choice. */
  model: string | null;
  /** Where it finds its model. Always the runner's gateway, never the service. */
  url: string;
  /** Its key: worth nothing anywhere else, and not after this run. */
  token: string;
  /** Whether the machine is out of its reach. */
  isSandboxed: boolean;
};

/** What a command line has told about its work so far. */
export type CliFacts = {
  /** Whether it began at all: without it the command line was refused. */
  started: boolean;
  /** It says that the work is done. */
  finished: boolean;
  /** What it says went wrong; `null` = nothing. Hostile text. */
  error: string | null;
  session: string | null;
  /** Its last words about the work. Hostile text. */
  summary: string;
  /** By its own account; `null` = it gives none. */
  costUsd: number | null;
};

/** Understands the output of one run. */
export type CliReader = {
  /** A line of stdout. Answers what people are shown of it. */
  read(line: string): AgentEvent[];
  facts(): CliFacts;
};

/** A coding-agent command line without a terminal, as the common driver has to know it. */
export type HeadlessCli = {
  /** For people: `Codex`. */
  title: string;
  /** The program that is looked for on the PATH. */
  program: string;
  /** On npm. */
  packageName: string;
  tested: TestedVersions;
  /** What must be known to it, or it isn't safe to run; looked for in the output of `arguments`. */
  help: { arguments: readonly string[]; options: readonly string[] };
  api: ModelApiName;
  /** Variables that hold the key, the first that is set counts; and the one with another address of the service. */
  variables: { keys: readonly string[]; address: string };
  /** Further variables of the machine or the configuration that decide who pays or where to: never passed on. */
  accountVariables: readonly string[];
  /** Why it may not run without a sandbox; `null` = it may. */
  whyOnlySandboxed: string | null;
  /** Writes what it reads of its home. */
  prepare?(run: CliRun): Promise<void>;
  launch(run: CliRun): { args: string[]; env: Record<string, string> };
  /** Why this run can not be; `null` = it can. */
  findObstacle?(run: CliRun): string | null;
  createReader(run: CliRun): CliReader;
};
