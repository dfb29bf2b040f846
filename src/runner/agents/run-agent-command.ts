import type { Clock } from '../../lib/clock.ts';
import { runCommand } from '../../lib/run-command.ts';
import type { CommandResult, RunCommandOptions } from '../../lib/run-command.ts';
import { toError } from '../../lib/to-error.ts';
import type { Launch, LaunchNeeds, WrapCommand } from '../sandbox/launch.ts';
import { describeOutOfMemory } from '../sandbox/out-of-memory.ts';
import type { AgentTask } from './agent.ts';

/** Why we ended an agent that would have gone on; `null` = it ended by itself. */
export type AgentStop =
  | { kind: 'cancelled' }
  | { kind: 'timeout' }
  | { kind: 'idle' }
  /** It had given its result and stayed. */
  | { kind: 'after_result' }
  /** The model's service refused the credentials. */
  | { kind: 'auth_rejected'; status: number }
  /** The gateway refused more, or the service can't serve: what happened is known there. */
  | { kind: 'model_trouble' }
  /** It used more memory than it may. */
  | { kind: 'out_of_memory'; text: string }
  /** Something ran that must not run. */
  | { kind: 'alarm'; text: string };

/** A run as its events see it. */
export type RunningAgent = {
  /** Ends the agent and everything it started; the first reason counts. */
  stop(reason: AgentStop): void;
  /** It has said its last: it may tidy up for a moment, then it is ended. */
  expectEnd(): void;
};

export type AgentRun =
  { kind: 'ended'; process: CommandResult; stop: AgentStop | null } | { kind: 'not_started'; error: Error };

/** What one agent must reach; see `LaunchNeeds`. */
export type AgentNeeds = Pick<LaunchNeeds, 'programs' | 'sockets' | 'network'>;

/** Enough of the output to explain a failed start. */
const OUTPUT_TAIL_BYTES = 8 * 1024;

/**
 * Runs an agent's command under its three clocks: the whole run (`task.maxMs`), silence on stdout (`task.idleMs`), and
 * the time it may stay after its result (`afterResultMs`). Resolves when the whole process tree is gone.
 */
export async function runAgentCommand(options: {
  launch: Launch;
  wrap?: WrapCommand | undefined;
  /** What the agent must reach beside the folders of its task. */
  needs: AgentNeeds;
  task: AgentTask;
  input: RunCommandOptions['input'] & {};
  /** Gets the run before it starts, for those who end it for reasons that its output does not tell. */
  onStart?(agent: RunningAgent): void;
  /** Told right before it is ended from outside, except at the end of its time. */
  onStop?(): void;
  /** Without it, an agent may stay as long as its other clocks let it. */
  afterResultMs?: number;
  /** How long it has to end by itself when it is asked to; by default, what `runCommand` gives. */
  killGraceMs?: number | undefined;
  clock: Clock;
  redact: (text: string) => string;
  onLine(line: string, stream: 'stdout' | 'stderr', agent: RunningAgent): void;
}): Promise<AgentRun> {
  const { task, clock } = options;
  const controller = new AbortController();
  const over = new AbortController();
  let stopReason: AgentStop | null = null;
  let lastEventMs = clock.monotonicMs();

  function stop(reason: AgentStop): void {
    stopReason ??= reason;
    if (!controller.signal.aborted) options.onStop?.();
    controller.abort();
  }

  async function watchSilence(): Promise<void> {
    for (;;) {
      const silentMs = clock.monotonicMs() - lastEventMs;
      if (silentMs >= task.idleMs) return stop({ kind: 'idle' });
      await clock.sleep(task.idleMs - silentMs, over.signal);
    }
  }

  async function watchEnd(afterResultMs: number): Promise<void> {
    await clock.sleep(afterResultMs, over.signal);
    stop({ kind: 'after_result' });
  }

  let ending = false;
  const agent: RunningAgent = {
    stop,
    expectEnd: () => {
      if (ending || options.afterResultMs === undefined) return;
      ending = true;
      watchEnd(options.afterResultMs).catch(ignoreWake);
    },
  };
  const onAbort = (): void => stop({ kind: 'cancelled' });
  if (task.signal.aborted) onAbort();
  task.signal.addEventListener('abort', onAbort, { once: true });

  try {
    const launch = await wrapLaunch(options);
    if (launch instanceof Error) return { kind: 'not_started', error: launch };
    lastEventMs = clock.monotonicMs();
    options.onStart?.(agent);
    watchSilence().catch(ignoreWake);
    const process = await runCommand({
      ...launch,
      cwd: task.folder,
      input: options.input,
      timeoutMs: task.maxMs,
      signal: controller.signal,
      maxOutputBytes: OUTPUT_TAIL_BYTES,
      redact: options.redact,
      clock,
      ...(options.killGraceMs === undefined ? {} : { killGraceMs: options.killGraceMs }),
      onLine: (line, stream) => {
        if (stream === 'stdout') lastEventMs = clock.monotonicMs();
        options.onLine(line, stream, agent);
      },
    });
    return { kind: 'ended', process, stop: toStop(process, launch) ?? stopReason };
  } finally {
    over.abort();
    task.signal.removeEventListener('abort', onAbort);
  }
}

/** Why `runCommand` itself ended it; `null` when it did not. */
function toStop(process: CommandResult, { maxMemoryBytes }: Launch): AgentStop | null {
  if (process.outOfMemory) return { kind: 'out_of_memory', text: describeOutOfMemory(maxMemoryBytes) };
  return process.timedOut ? { kind: 'timeout' } : null;
}

async function wrapLaunch(options: {
  launch: Launch;
  wrap?: WrapCommand | undefined;
  needs: AgentNeeds;
  task: AgentTask;
}): Promise<Launch | Error> {
  const { launch, wrap, needs, task } = options;
  // A cancelled task starts nothing, so nothing is put around it either.
  if (!wrap || task.signal.aborted) return launch;
  try {
    return await wrap(launch.command, launch.env, {
      workspace: task.folder,
      home: task.homeFolder,
      temp: task.tempFolder,
      agent: task.agentFolder,
      readable: [...task.readableFolders, ...(task.imagesFolder === null ? [] : [task.imagesFolder])],
      ...needs,
    });
  } catch (thrown) {
    return toError(thrown);
  }
}

/** The clocks are woken when the run is over. */
function ignoreWake(): void {}
