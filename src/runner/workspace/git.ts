import { GitPluginError, simpleGit } from 'simple-git';
import { createRedactor } from '../../lib/redact.ts';
import { runCommand } from '../../lib/run-command.ts';
import { GitCommandError } from './git-command-error.ts';
import { gitEnvironment, type Remote, remoteEnvironment, secretsOf } from './git-environment.ts';

/** Where a command works. */
export type GitPlace = {
  gitDir: string;
  /** The folder with the files; left out where a command needs none. */
  workTree?: string;
  /** Ends the command. */
  signal?: AbortSignal | undefined;
};

export type Git = {
  /**
   * Runs a local command and gives its stdout. Throws `GitCommandError` for every exit code but 0 and
   * `alsoFine`, and the signal's reason when it aborts.
   */
  run(args: readonly string[], place: GitPlace & LocalOptions): Promise<string>;
  /** The first `maxBytes` that a local command prints; the rest is read and forgotten. */
  readStart(args: readonly string[], maxBytes: number, place: GitPlace): Promise<string>;
  /** Runs a command that talks to a remote. Throws the signal's reason when it aborts; a failure is a value. */
  runRemote(
    args: readonly string[],
    remote: Remote,
    place: GitPlace & Pick<LocalOptions, 'input'>,
  ): Promise<RemoteResult>;
};

type LocalOptions = {
  /** Written to stdin. */
  input?: string;
  variables?: Readonly<Record<string, string>>;
  /** An exit code beside 0 that is an answer, not a failure. */
  alsoFine?: number;
};

export type RemoteResult = {
  exitCode: number | null;
  stdout: string;
  /** The last part of stdout and stderr, plain and without secrets. */
  output: string;
};

/** Whatever a repository's own configuration says; and it says nothing, since only we write it. */
const SAFE_CONFIG = ['core.hooksPath=/dev/null', 'core.fsmonitor=false'];

const REMOTE_CONFIG = [
  // Nothing else may see the credential.
  'http.followRedirects=false',
  // A line that says nothing for a minute is dead.
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  // When the remote's branches moved on since the fetch, find out what it has instead of sending everything.
  'push.negotiate=true',
  // A pack appears whole or not at all; loose objects of a killed fetch would look like a complete commit.
  'fetch.unpackLimit=1',
  // In turn with the fetches of this process, never behind their back.
  'gc.autoDetach=false',
];

const REMOTE_OUTPUT_BYTES = 256 * 1024;

/** Git for everything the runner does itself: nothing that a repository or a user configures runs or is read. */
export function createGit(options: {
  machineEnv: Readonly<Record<string, string | undefined>>;
  /** For a command that talks to a remote: in all. For a local one: without any output. */
  timeoutMs: number;
}): Git {
  const environment = gitEnvironment(options.machineEnv);

  async function run(args: readonly string[], place: GitPlace & LocalOptions): Promise<string> {
    place.signal?.throwIfAborted();
    const env = { ...environment, ...place.variables };
    const git = simpleGit({
      baseDir: place.gitDir,
      config: SAFE_CONFIG,
      allowEnvironment: Object.keys(env),
      // These are our own constants, set to keep a repository from setting them.
      unsafe: { allowUnsafeConfigPaths: true, allowUnsafeFsMonitor: true, allowUnsafeHooksPath: true },
      // The default takes what has arrived 50 ms after the exit; on a busy machine that may not be all.
      completion: { onClose: true, onExit: false },
      timeout: { block: options.timeoutMs },
      // Its own rule takes a silent failure for success.
      errors: (error, { exitCode, stdOut, stdErr }) => {
        if (error === undefined && (exitCode === 0 || exitCode === place.alsoFine)) return undefined;
        const output = Buffer.concat([...stdErr, ...stdOut]).toString('utf8');
        return new GitCommandError({ args, exitCode, output: `${output}${describe(error)}` });
      },
      ...(place.signal === undefined ? {} : { abort: place.signal }),
      ...(place.input === undefined ? {} : { input: () => place.input }),
    }).env(env);
    try {
      return await git.raw([...toPlaceArgs(place), ...args]);
    } catch (error) {
      place.signal?.throwIfAborted();
      throw error;
    }
  }

  async function readStart(args: readonly string[], maxBytes: number, place: GitPlace): Promise<string> {
    // Not by simple-git: it keeps all output in memory, and a workspace can hold more than fits.
    const result = await runCommand({
      command: ['git', ...toConfigArgs(SAFE_CONFIG), ...toPlaceArgs(place), ...args],
      cwd: place.gitDir,
      env: environment,
      timeoutMs: options.timeoutMs,
      maxOutputBytes: maxBytes,
      keepStdout: true,
      ...(place.signal === undefined ? {} : { signal: place.signal }),
    });
    if (result.cancelled) place.signal?.throwIfAborted();
    if (result.exitCode !== 0) {
      throw new GitCommandError({ args, exitCode: result.exitCode, output: result.outputTail });
    }
    return result.stdout ?? '';
  }

  async function runRemote(
    args: readonly string[],
    remote: Remote,
    place: GitPlace & Pick<LocalOptions, 'input'>,
  ): Promise<RemoteResult> {
    // Not by simple-git: it can only signal git itself, whose transport program would hang on with the connection.
    const { redact } = createRedactor(secretsOf(remote));
    const result = await runCommand({
      command: ['git', ...toConfigArgs([...SAFE_CONFIG, ...REMOTE_CONFIG]), ...toPlaceArgs(place), ...args],
      cwd: place.gitDir,
      env: { ...environment, ...remoteEnvironment(remote) },
      timeoutMs: options.timeoutMs,
      maxOutputBytes: REMOTE_OUTPUT_BYTES,
      keepStdout: true,
      redact,
      ...(place.input === undefined ? {} : { input: place.input }),
      ...(place.signal === undefined ? {} : { signal: place.signal }),
    });
    if (result.cancelled) place.signal?.throwIfAborted();
    const why = result.timedOut
      ? `\nno end after ${options.timeoutMs} ms`
      : (result.spawnError?.message ?? '');
    return {
      exitCode: result.exitCode,
      stdout: redact(result.stdout ?? ''),
      output: `${result.outputTail}${why}`,
    };
  }

  return { run, readStart, runRemote };
}

function toConfigArgs(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}

function toPlaceArgs({ gitDir, workTree }: GitPlace): string[] {
  return [
    `--git-dir=${gitDir}`,
    ...(workTree === undefined ? [] : ['-c', 'core.bare=false', `--work-tree=${workTree}`]),
  ];
}

/** What simple-git itself did to a command; for all else the output tells. */
function describe(error: Buffer | Error | undefined): string {
  return error instanceof GitPluginError ? ` (${error.message})` : '';
}
