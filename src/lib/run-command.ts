import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { createProcessTree } from './kill-process-tree.ts';
import { readOutput } from './read-output.ts';
import { stripControl } from './strip-control.ts';
import { watchMemory } from './watch-memory.ts';

/** Every process of a command carries this variable, by which those that moved away are found. */
export const MARK_VARIABLE = 'YARDMASTER_ATTEMPT';

/** The time that the job protocol gives an agent to end by itself. */
const DEFAULT_KILL_GRACE_MS = 10_000;
/** The longest that timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export type RunCommandOptions = {
  /** Program and arguments; never goes through a shell. */
  command: readonly string[];
  cwd: string;
  /**
   * The whole environment: nothing is inherited. `YARDMASTER_ATTEMPT` is added when it is missing; commands that share
   * a value must not run side by side, for each ends whatever carries it.
   */
  env: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed (a stream: when it ends); without it, stdin is empty. */
  input?: string | Readable;
  timeoutMs: number;
  /** Of the command and all that it starts, together; at more it is ended, without grace. Linux only. */
  maxMemoryBytes?: number;
  /** Ends the command, as the timeout does. */
  signal?: AbortSignal;
  /** How much of the output is kept; the command may write more, which is read and forgotten. */
  maxOutputBytes: number;
  /** Also keep the first `maxOutputBytes` of stdout by itself, byte for byte. */
  keepStdout?: boolean;
  /** Each line as it comes, at most 1 MiB of it. While a returned promise is pending, the stream is not read on. */
  onLine?(line: string, stream: 'stdout' | 'stderr'): void | Promise<void>;
  /** Takes secrets out of `outputTail`. */
  redact?: (text: string) => string;
  /** Between SIGTERM and SIGKILL, 10 seconds by default. */
  killGraceMs?: number;
  clock?: Clock;
};

export type CommandResult = {
  /** `null` when a signal ended it, or it could not be started. */
  exitCode: number | null;
  /** The signal that ended it, e.g. `SIGKILL`. */
  signal: string | null;
  timedOut: boolean;
  cancelled: boolean;
  /** It was ended because it used more than `maxMemoryBytes`. */
  outOfMemory: boolean;
  /** Why it could not be started, e.g. `ENOENT`; `null` when it could. */
  spawnError: { code: string; message: string } | null;
  durationMs: number;
  /** The last part of stdout and stderr as they came, without control characters, at most `maxOutputBytes`. */
  outputTail: string;
  /** With `keepStdout`. */
  stdout?: string;
  /** Process ids that survived SIGKILL (they hang in the kernel); normally none. */
  leftBehind: number[];
};

/**
 * Runs a program in a process group of its own, and resolves when it has ended *and* everything it started is gone,
 * also what it left running in the background or in other sessions (see `createProcessTree` for the limits). Timeout
 * and signal: SIGTERM to the group, after the grace SIGKILL to the whole tree.
 *
 * Never rejects for what the program does. Rejects with the error of `onLine`, after the tree has been ended.
 */
export async function runCommand(options: RunCommandOptions): Promise<CommandResult> {
  const { command, cwd, input, signal, redact = (text) => text, clock = systemClock } = options;
  const [file, ...args] = command;
  if (file === undefined) throw new TypeError('A command needs a program');
  const startedMs = clock.monotonicMs();
  if (signal?.aborted) return notStarted({ cancelled: true, spawnError: null });

  const markValue = options.env[MARK_VARIABLE] ?? randomUUID();
  const subprocess = execa(file, args, {
    cwd,
    env: { ...options.env, [MARK_VARIABLE]: markValue },
    extendEnv: false,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    buffer: false,
    reject: false,
    // A process group of its own, which is also ended when this process ends in the ordinary way.
    killDescendants: true,
  });
  if (subprocess.pid === undefined) {
    const { code = 'UNKNOWN', originalMessage = 'The program could not be started' } = await subprocess;
    return notStarted({ cancelled: false, spawnError: { code, message: originalMessage } });
  }

  const { pid, nodeChildProcess } = subprocess;
  const tree = createProcessTree({ rootPid: pid, mark: `${MARK_VARIABLE}=${markValue}`, clock });
  const output = readOutput(subprocess, options, clock);
  const over = new AbortController();
  const exited = new Promise<'exited'>((resolve) => nodeChildProcess.once('exit', () => resolve('exited')));
  const failed = output.failed.catch(() => 'output failed' as const);
  const cancellation = watchSignal(signal);

  const cause = await Promise.race([
    exited,
    failed,
    timeout(options.timeoutMs),
    cancellation.happened,
    ...memory(pid),
  ]);
  if (cause !== 'exited' && cause !== 'out of memory') {
    await tree.terminate();
    await Promise.race([exited, timeout(options.killGraceMs ?? DEFAULT_KILL_GRACE_MS)]);
  }
  const leftBehind = await tree.kill();
  over.abort();
  cancellation.forget();
  await output.finish();
  const ended = await subprocess;

  return {
    exitCode: ended.exitCode ?? null,
    signal: ended.signal ?? null,
    timedOut: cause === 'timed out',
    cancelled: cause === 'cancelled',
    outOfMemory: cause === 'out of memory',
    spawnError: null,
    durationMs: clock.monotonicMs() - startedMs,
    // In this order: a control character in the middle of a secret would hide it from `redact`.
    outputTail: output.tail((text) => redact(stripControl(text))),
    ...(options.keepStdout ? { stdout: output.stdout() } : {}),
    leftBehind,
  };

  function notStarted(why: Pick<CommandResult, 'cancelled' | 'spawnError'>): CommandResult {
    return {
      ...why,
      exitCode: null,
      signal: null,
      timedOut: false,
      outOfMemory: false,
      durationMs: clock.monotonicMs() - startedMs,
      outputTail: '',
      ...(options.keepStdout ? { stdout: '' } : {}),
      leftBehind: [],
    };
  }

  function memory(rootPid: number): Promise<'out of memory'>[] {
    const { maxMemoryBytes: maxBytes } = options;
    if (maxBytes === undefined) return [];
    const watch = watchMemory({ rootPid, maxBytes, clock, signal: over.signal });
    // It rejects when the command is over, or when nobody can look: neither is a reason to end anything.
    return [watch.then(() => 'out of memory' as const).catch(() => new Promise<never>(() => undefined))];
  }

  async function timeout(ms: number): Promise<'timed out'> {
    // Woken early when the command is over: nobody looks at the answer then.
    await clock.sleep(Math.min(ms, MAX_TIMER_MS), over.signal).catch(() => undefined);
    return 'timed out';
  }
}

/** `happened` resolves when `signal` aborts; `forget` stops listening. */
function watchSignal(signal: AbortSignal | undefined): { happened: Promise<'cancelled'>; forget(): void } {
  const { promise: happened, resolve } = Promise.withResolvers<'cancelled'>();
  const onAbort = (): void => resolve('cancelled');
  signal?.addEventListener('abort', onAbort, { once: true });
  return { happened, forget: () => signal?.removeEventListener('abort', onAbort) };
}
