import type { Readable } from 'node:stream';
import type { ModelApiName } from '../sandbox/model-apis.ts';
import type { AgentEnding, AgentEvent, AgentPreflight, AgentTask } from './agent.ts';
import type { checkCliProgram, CliIdentity } from './check-cli-program.ts';

/** One run of a command line, when everything around it is known. */
export type CliRun = {
  task: AgentTask;
  /** What it is told: the task's prompt, never with a word first that could be taken for a command. */
  prompt: string;
  /** `null` = the command line's own choice. */
  model: string | null;
  /** Where it finds its model. Always the runner's gateway, never the service; '' where it reaches its model by itself. */
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
  /** What its own code for that means, where the gateway knows nothing better. Ends the run. */
  ending?: Extract<AgentEnding, 'auth_error' | 'max_turns' | 'max_budget'>;
  session: string | null;
  /** Its last words about the work. Hostile text. */
  summary: string;
  /** By its own account; `null` = it gives none. */
  costUsd: number | null;
  /** Tokens by its own account, which count where no gateway does. */
  tokens?: { input: number; output: number };
};

/** Nothing told yet. `session`: the one that it goes on with. */
export function newFacts(session: string | null): CliFacts {
  return { started: false, finished: false, error: null, session, summary: '', costUsd: null };
}

/** Understands the output of one run. */
export type CliReader = {
  /** A line of stdout. Answers what people are shown of it. */
  read(line: string): AgentEvent[];
  facts(): CliFacts;
};

/** One that is spoken with, in place of being given its prompt on stdin. */
export type CliConversation = CliReader & {
  /** Its stdin; ended when nothing is left to be said. */
  input: Readable;
  /** The run is about to be ended from outside. */
  cancel(): void;
};

/** A coding-agent command line without a terminal, as the common driver has to know it. */
export type HeadlessCli = {
  /** For people: `Codex`. */
  title: string;
  /** The program that is looked for on the PATH. */
  program: string;
  /** How it is asked for its version and its options; or another way to find out whether it can run. */
  identity: CliIdentity | ((question: ProgramQuestion) => Promise<AgentPreflight>);
  /** Which API the gateway stands for; `null` = none does, it reaches its model by itself. */
  api: ModelApiName | null;
  /** Variables that hold the key, the first that is set counts; and the one with another address of the service. */
  variables: { keys: readonly string[]; address: string };
  /** Further variables of the machine or the configuration that decide who pays or where to: never passed on. */
  accountVariables: readonly string[];
  /** Why it may not run without a sandbox; `null` = it may. */
  whyOnlySandboxed: string | null;
  /** It may go on after it has said that it is done, and always ends by itself. */
  endsByItself?: boolean;
  /** Absolute paths beside the program itself that it must be able to read. Never from a repository. */
  alsoNeeds?: readonly string[];
  /** Writes what it reads of its home. */
  prepare?(run: CliRun): Promise<void>;
  launch(run: CliRun): { args: string[]; env: Record<string, string> };
  /** Why this run can not be; `null` = it can. */
  findObstacle?(run: CliRun): string | null;
  createReader(run: CliRun): CliReader | CliConversation;
  /** As in `Agent`. Only where the key stays with the gateway. */
  isSessionFile?(session: string, path: string): boolean;
};

/** What it takes to ask a program something before there is a task. */
export type ProgramQuestion = Pick<
  Parameters<typeof checkCliProgram>[0],
  'executable' | 'machineEnv' | 'env' | 'clock'
>;
