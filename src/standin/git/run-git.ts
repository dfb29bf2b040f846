import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';

/** A git command that ended with anything but the exit codes it was allowed. */
class GitError extends Error {
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number | null, stderr: string) {
    super(`git ${args[0] ?? ''} ended with ${exitCode ?? 'a signal'}: ${stderr.trim()}`);
    this.name = 'GitError';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export type GitResult = { exitCode: number; stdout: Buffer; stderr: string };

/** Settings that hold whatever the person's own git configuration says. */
const settings = ['gc.auto=0', 'receive.autogc=false', 'maintenance.auto=false', 'core.quotepath=false'];

/** Runs git commands on bare repositories, and ends those still running on `stop`. */
export function createGit() {
  const running = new Set<ChildProcessWithoutNullStreams>();

  /**
   * Starts git in a bare repository. `variables` go into its environment by way of `env`, so that nothing
   * else of the environment has to be known here.
   */
  function start(
    folder: string,
    args: readonly string[],
    variables: Record<string, string> = {},
  ): ChildProcessWithoutNullStreams {
    const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const options = [...settings, `core.hooksPath=${folder}/hooks`].flatMap((setting) => ['-c', setting]);
    const command = ['git', `--git-dir=${folder}`, ...options, ...args];
    const [file = 'git', ...rest] = assignments.length > 0 ? ['env', ...assignments, ...command] : command;
    const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(child);
    child.once('close', () => running.delete(child));
    // git may end without reading all we send (a refused push, say): its exit code tells why, not the broken pipe.
    child.stdin.on('error', () => undefined);
    return child;
  }

  /** Runs to the end. Throws a GitError when the exit code is not among `allowed`. */
  function run(
    folder: string,
    args: readonly string[],
    more: { input?: string | Buffer; variables?: Record<string, string>; allowed?: readonly number[] } = {},
  ): Promise<GitResult> {
    return new Promise((resolve, reject) => {
      const child = start(folder, args, more.variables);
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      child.once('error', reject);
      child.once('close', (code) => {
        const errorText = Buffer.concat(stderr).toString('utf8');
        if (code !== null && (more.allowed ?? [0]).includes(code)) {
          resolve({ exitCode: code, stdout: Buffer.concat(stdout), stderr: errorText });
        } else {
          reject(new GitError(args, code, errorText));
        }
      });
      child.stdin.end(more.input ?? '');
    });
  }

  /** Output as text, without the last line break. */
  async function text(folder: string, args: readonly string[]): Promise<string> {
    return (await run(folder, args)).stdout.toString('utf8').replace(/\n$/, '');
  }

  async function stop(): Promise<void> {
    await Promise.all(
      [...running].map(
        (child) =>
          new Promise<void>((resolve) => {
            child.once('close', () => resolve());
            child.kill('SIGKILL');
          }),
      ),
    );
  }

  return { start, run, text, stop };
}

export type Git = ReturnType<typeof createGit>;
