import type { JobSpec } from '../../contract/job.ts';
import type { Clock } from '../../lib/clock.ts';
import type { MachineEnv } from '../agents/agent-environment.ts';
import type { Agents } from '../agents/create-agents.ts';
import type { AttemptRecord, Ending } from '../attempt-record.ts';
import type { ContextSettings } from '../context/context-settings.ts';
import type { JobTokens } from '../job-tokens.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { SandboxSettings } from '../sandbox/sandbox-settings.ts';
import type { AttemptChannel } from '../transport/transport.ts';
import type { Workspaces } from '../workspace/workspace-types.ts';

/**
 * What came of a phase: what the next one needs, or how the attempt ends. A phase throws for trouble that it did not expect, and the
 * signal's reason when the attempt was stopped.
 */
export type PhaseResult<T> = { kind: 'next'; value: T } | { kind: 'end'; ending: Ending };

/** One attempt, as its phases see it. */
export type AttemptContext = {
  spec: JobSpec;
  /** Aborts when the attempt has to stop, for whatever reason. */
  signal: AbortSignal;
  /** Grows as the phases learn things. */
  record: AttemptRecord;
  channel: Pick<AttemptChannel, 'start' | 'sendEvidence' | 'takesLongPatches'>;
  tokens: JobTokens;
  /** Adds a line to the live log; it is masked and cleaned there. */
  say(line: string): void;
  /** Milliseconds until the longest run is over. */
  remainingMs(): number;
  /** Told as soon as there is a workspace, so that it is removed whatever happens. */
  keepWorkspace(workspace: Workspace): Promise<void>;
  /** Resolves when the lease is surely held. */
  confirmLease(): Promise<void>;
};

/** What phases use beside the attempt itself; the same for all attempts of a runner. */
export type PhaseDeps = {
  runnerName: string;
  workspaces: Workspaces;
  agents: Agents;
  /** Put around set-up and tests; the agents have it already. */
  sandbox: Sandbox;
  /** What the machine's owner lets be reached of the network when there is a sandbox. */
  reach: Pick<SandboxSettings, 'registries' | 'hosts' | 'repositoryHosts'>;
  context: ContextSettings;
  fetch: typeof fetch;
  userAgent: string;
  clock: Clock;
  /** The runner's own environment, of which a few harmless facts are passed on. */
  machineEnv: MachineEnv;
  redact: (text: string) => string;
  /** Whether a secret of this runner's, of at least so many characters, stands in the text; what only looks like one doesn't count. */
  holdsSecret: (text: string, minLength: number) => boolean;
  limits: AttemptLimits;
  /** The machine's own credentials for git, used instead of minted tokens. */
  ownGit: { token: string | null; sshKey: string | null };
};

/** In milliseconds. */
export type AttemptLimits = {
  /** For each set-up command. */
  setupMs: number;
  /** For each test command. */
  testMs: number;
  /** How long an agent may be silent. */
  agentIdleMs: number;
  /** Tests that took longer are not run once more to find flaky ones. */
  rerunMs: number;
};

export const DEFAULT_LIMITS: AttemptLimits = {
  setupMs: 15 * 60_000,
  testMs: 30 * 60_000,
  agentIdleMs: 10 * 60_000,
  rerunMs: 10 * 60_000,
};

export type Workspace = Awaited<ReturnType<Workspaces['open']>>;

export function next<T>(value: T): PhaseResult<T> {
  return { kind: 'next', value };
}

export function end(ending: Ending): PhaseResult<never> {
  return { kind: 'end', ending };
}
