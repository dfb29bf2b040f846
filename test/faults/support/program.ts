import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { COMPILE_CACHE } from '../../support/compile-cache.ts';
import { until } from '../../support/until.ts';
import { PATIENCE_MS } from './fault-timings.ts';
import type { FailPlan } from '../programs/fail-points.ts';

const PROGRAMS = path.resolve(import.meta.dirname, '..', 'programs');

/** One of our programs as a process that is killed, stopped and started again, time after time, with the same settings. */
export type Program = {
  /** Of the process that runs now. */
  pid(): number | undefined;
  isRunning(): boolean;
  /** Starts it and resolves when it said its first line (the coordinator: where it listens). Throws when it ends before. */
  start(): Promise<string>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it exists and does nothing. */
  pause(): void;
  resume(): void;
  signal(name: 'SIGTERM'): void;
  /** SIGTERM; resolves when it has left. */
  stop(): Promise<void>;
  /** Exit code of the process that runs now or ran last; `null` when it was killed. */
  exited(): Promise<number | null>;
  /** What shall happen to it at one of its next writes; in place of what was planned before. */
  plan(plan: Partial<FailPlan>): void;
  /** What is planned and hasn't happened yet, or has; `null`: nothing. */
  planned(): string | null;
  /** Whether what was planned has happened. */
  isHit(): boolean;
  /** Takes the plan back; the write at which it was carried out, or `null`. */
  takeHit(): string | null;
  /** All that it printed, over all its processes. */
  output(): string;
};

export function createProgram(options: {
  name: 'coordinator' | 'runner' | 'runner-host';
  /** Of this one, for its files. */
  label: string;
  args?: readonly string[];
  folder: string;
  environment: Readonly<Record<string, string>>;
  /** A line that says that it is ready; the first one, when left out. */
  ready?: RegExp;
  /** Runs this command around it, e.g. to limit what it may use. */
  wrapper?: readonly string[];
}): Program {
  const failPoint = path.join(options.folder, `fail-point-${options.label}`);
  let child: ReturnType<typeof spawn> | undefined;
  let hasEnded = true;
  let output = '';

  function spawn() {
    const command = [
      ...(options.wrapper ?? []),
      process.execPath,
      '--import',
      path.join(PROGRAMS, 'fail-points.ts'),
      path.join(PROGRAMS, `${options.name}.ts`),
      ...(options.args ?? []),
    ];
    const [file = process.execPath, ...args] = command;
    return execa(file, args, {
      cwd: options.folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: options.folder,
        ...COMPILE_CACHE,
        FAULT_POINT: failPoint,
        ...options.environment,
      },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      all: true,
      buffer: false,
    });
  }

  async function start(): Promise<string> {
    const started = spawn();
    child = started;
    hasEnded = false;
    void started.then(() => (hasEnded = true));
    let own = '';
    started.all.on('data', (chunk: Buffer) => {
      own += chunk.toString();
      output += chunk.toString();
    });
    return until(
      `${options.label} is ready`,
      () => {
        const lines = own.split('\n').slice(0, -1);
        const line = options.ready === undefined ? lines[0] : lines.find((text) => options.ready?.test(text));
        if (line !== undefined) return line;
        if (child !== started) return 'overtaken';
        if (hasEnded) throw new Error(`${options.label} ended at once:\n${own}`);
        return undefined;
      },
      PATIENCE_MS,
    );
  }

  return {
    pid: () => (hasEnded ? undefined : child?.pid),
    isRunning: () => !hasEnded,
    start,
    async kill() {
      child?.kill('SIGKILL');
      await child;
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    signal: (name) => void child?.kill(name),
    async stop() {
      if (hasEnded) return;
      child?.kill('SIGCONT');
      child?.kill('SIGTERM');
      await child;
    },
    exited: async () => (await child)?.exitCode ?? null,
    plan: (plan) => {
      writeFileSync(`${failPoint}.new`, JSON.stringify({ act: 'SIGKILL', nth: 1, like: '', ...plan }));
      renameSync(`${failPoint}.new`, failPoint);
    },
    planned: () => (existsSync(failPoint) ? readFileSync(failPoint, 'utf8') : null),
    isHit: () => existsSync(`${failPoint}.hit`),
    takeHit() {
      rmSync(failPoint, { force: true });
      if (!existsSync(`${failPoint}.hit`)) return null;
      const write = readFileSync(`${failPoint}.hit`, 'utf8');
      rmSync(`${failPoint}.hit`);
      return write;
    },
    output: () => output,
  };
}
