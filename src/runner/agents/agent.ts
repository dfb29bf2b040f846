import type { Usage } from '../../contract/attempt-result.ts';

/** How an agent's run ended, the same words for every command line. */
export const AGENT_ENDINGS = [
  'completed',
  'max_turns',
  'max_budget',
  'auth_error',
  'rate_limited',
  'billing_error',
  'config_error',
  'prompt_too_long',
  'api_error',
  'timeout',
  'idle',
  'cancelled',
  'start_error',
  'crashed',
] as const;
export type AgentEnding = (typeof AGENT_ENDINGS)[number];

/** Something the agent did, for the live log: one line of redacted text. */
export type AgentEvent = { kind: 'message' | 'tool' | 'warning'; text: string };

export type AgentTask = {
  /** Goes to stdin. Starts with our own words, never with text from GitHub. */
  prompt: string;
  /** The workspace: the agent's working directory. */
  folder: string;
  /** HOME of this attempt, which set-up and tests have too. */
  homeFolder: string;
  /** For the agent's configuration and sessions, which outlive its rounds. Set-up and tests never see it: in HOME they could write what it obeys. */
  agentFolder: string;
  /** TMPDIR of this attempt. */
  tempFolder: string;
  /** What it may read beside these, such as the objects of git that the workspace borrows. */
  readableFolders: readonly string[];
  /** The proxy to the hosts that the task may reach from a sandbox; absent = none. */
  proxySocket?: string;
  /** Images that the task shows, as files to look at; `null` when there are none. Readable, and no part of the work. */
  imagesFolder: string | null;
  model: string | null;
  /** Session of an earlier round to go on with. */
  resumeSession: string | null;
  maxTurns: number;
  maxBudgetUsd: number;
  /** The whole run. */
  maxMs: number;
  /** Without any event. */
  idleMs: number;
  /** Ends the run: the agent and everything it started is gone when `run` resolves. */
  signal: AbortSignal;
  onEvent(event: AgentEvent): void;
  /** Called once, when the run begins: `read` tells at any time what it has used by then, and its model as far as it is known. */
  onMeter?(read: () => AgentMeter): void;
};

/** What a run has used. */
export type AgentMeter = Pick<AgentResult, 'usage' | 'model'>;

export type AgentResult = {
  ending: AgentEnding;
  /** One sentence for people, redacted; for a bad ending it says what to do next. */
  detail: string;
  /** The agent's last words about its work; hostile text; '' when it gave none. */
  summary: string;
  session: string | null;
  usage: Usage;
  model: string | null;
  exitCode: number | null;
};

/** Whether an agent can run here. `warning`: it can, but a person should know something. */
export type AgentPreflight =
  { ok: true; version: string | null; warning?: string | null } | { ok: false; reason: string; fix: string };

/** A coding-agent command line. */
export type Agent = {
  /** `claude`, `command`, … */
  name: string;
  /** Looks whether it can run here: found, version, the flags we need. Never throws. */
  preflight(): Promise<AgentPreflight>;
  /**
   * Whether a file below `agentFolder` is what it needs to go on with a session in a later attempt, and is only text. Absent = it can't, or what it
   * writes there may hold somebody's credentials.
   */
  isSessionFile?(session: string, path: string): boolean;
  /** Never throws for what the agent does; every way to end is an `ending`. */
  run(task: AgentTask): Promise<AgentResult>;
};
