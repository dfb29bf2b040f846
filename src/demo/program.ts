import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** Most output of a program that is kept for the case of trouble, in characters. */
const TAIL_CHARACTERS = 4000;

/** A `yardmaster` command that runs as a process of its own. */
export type Program = {
  name: string;
  /** Resolves when the process is gone, however it ended. */
  ended: Promise<void>;
  throwIfEnded(): void;
  throwIfFailed(): void;
  /** Its last output. */
  tail(): string;
  /** Ends it at once and in order, and resolves when it is gone. Safe to repeat. */
  stop(): Promise<void>;
};

/** Starts `yardmaster <args>` with exactly the given environment. */
export function startProgram(
  name: string,
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>>,
): Program {
  const executable = fileURLToPath(new URL('../../bin/yardmaster.js', import.meta.url));
  let output = '';
  let exit: { code: number | undefined } | null = null;
  const child = execa(process.execPath, [executable, ...args], {
    cwd: folder,
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    all: true,
    forceKillAfterDelay: 5000,
  });
  child.all.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-TAIL_CHARACTERS);
  });
  const ended = waitForExit();

  async function waitForExit(): Promise<void> {
    const { exitCode } = await child;
    exit = { code: exitCode };
  }

  function throwIfEnded(): void {
    if (exit !== null) throw new Error(`the ${name} ended (exit ${exit.code ?? 'by signal'}):\n${output}`);
  }

  return {
    name,
    ended,
    throwIfEnded,
    throwIfFailed() {
      if (exit?.code !== 0) throwIfEnded();
    },
    tail: () => output,
    async stop() {
      if (exit === null) child.kill('SIGTERM');
      await ended;
    },
  };
}
