import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MARK_VARIABLE, runCommand } from '../../src/lib/run-command.ts';
import type { CommandResult, RunCommandOptions } from '../../src/lib/run-command.ts';
import { processesWith } from '../support/processes.ts';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'run-command-'))));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const PATH = process.env['PATH'] ?? '';

function run(command: string[], options: Partial<RunCommandOptions> = {}): Promise<CommandResult> {
  return runCommand({
    command,
    cwd: folder,
    env: { PATH },
    timeoutMs: 20_000,
    maxOutputBytes: 10_000,
    ...options,
  });
}

/** A program in JavaScript, as a command. */
function js(code: string): string[] {
  return [process.execPath, '-e', code];
}

test('tells exit code, output of both streams and nothing else', async () => {
  const result = await run(js('console.log("out"); console.error("err"); process.exitCode = 3'));

  expect(result).toMatchObject({
    exitCode: 3,
    signal: null,
    timedOut: false,
    cancelled: false,
    spawnError: null,
    leftBehind: [],
  });
  expect(result.outputTail.split('\n').sort()).toEqual(['', 'err', 'out']);
  expect(result.durationMs).toBeGreaterThan(1);
  expect(result).not.toHaveProperty('stdout');
});

test('arguments reach the program as they are: no shell reads them', async () => {
  const hostile = ['$(touch pwned)', '`id`', '; rm -rf .', 'a b', '*', '', '"', "'"];

  const result = await run([...js('console.log(JSON.stringify(process.argv.slice(1)))'), '--', ...hostile], {
    keepStdout: true,
  });

  expect(JSON.parse(result.stdout ?? '')).toEqual(hostile);
});

test('the environment is exactly what was given, and the mark', async () => {
  const result = await run(js('console.log(JSON.stringify(process.env))'), {
    env: { ONLY: 'this', [MARK_VARIABLE]: 'attempt-1' },
    keepStdout: true,
  });

  expect(JSON.parse(result.stdout ?? '')).toEqual({ ONLY: 'this', [MARK_VARIABLE]: 'attempt-1' });
});

test('input goes to stdin, which is closed; without input stdin is empty', async () => {
  const readAll = js(
    'process.stdin.setEncoding("utf8"); let n = 0; process.stdin.on("data", d => n += d.length).on("end", () => console.log(n))',
  );

  const results = await Promise.all([run(readAll, { input: 'x'.repeat(3_000_000) }), run(readAll)]);

  expect(results.map((result) => result.outputTail.trim())).toEqual(['3000000', '0']);
});

test('a program that does not read its input is no error', async () => {
  const result = await run(js(''), { input: 'x'.repeat(3_000_000) });

  expect(result).toMatchObject({ exitCode: 0, spawnError: null });
});

test.each([
  ['a program that is not there', ['no-such-program-anywhere'], 'ENOENT'],
  ['a file that may not be executed', [join(import.meta.dirname, 'run-command.test.ts')], 'EACCES'],
])('%s is a spawn error, not an exception', async (_what, command, code) => {
  const result = await run(command);

  expect(result).toMatchObject({ exitCode: null, signal: null, spawnError: { code }, outputTail: '' });
});

test('a folder that is not there is a spawn error too', async () => {
  const result = await run(js(''), { cwd: join(folder, 'missing') });

  expect(result.spawnError?.code).toBe('ENOENT');
});

test('a signal from outside is named', async () => {
  const result = await run(js('process.kill(process.pid, "SIGKILL")'));

  expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: false, cancelled: false });
});

test('lines of both streams come whole and in order, the last one also without a line end', async () => {
  const lines: string[] = [];

  await run(js('process.stdout.write("a\\nb\\nlast"); process.stderr.write("warning\\n")'), {
    onLine: (line, stream) => void lines.push(`${stream}: ${line}`),
  });

  expect(lines.filter((line) => line.startsWith('stdout'))).toEqual([
    'stdout: a',
    'stdout: b',
    'stdout: last',
  ]);
  expect(lines).toContain('stderr: warning');
});

test('a flood on both streams is drained with bounded memory, and only the end is kept', async () => {
  const flood = js(`
    const line = 'x'.repeat(99) + '\\n';
    for (let i = 0; i < 2000; i += 1) { process.stdout.write(line.repeat(100)); process.stderr.write(line.repeat(100)); }
    process.stdout.write('the end of out\\n'); process.stderr.write('the end of err\\n');`);
  const before = process.memoryUsage().rss;
  const lines = { stdout: 0, stderr: 0 };
  const last = { stdout: '', stderr: '' };

  const result = await run(flood, {
    maxOutputBytes: 2000,
    keepStdout: true,
    onLine: (line, stream) => {
      lines[stream] += 1;
      last[stream] = line;
    },
  });

  expect(result.exitCode).toBe(0);
  expect(lines).toEqual({ stdout: 200_001, stderr: 200_001 });
  expect(last).toEqual({ stdout: 'the end of out', stderr: 'the end of err' });
  expect(result.outputTail).toMatch(/the end of (out|err)\n$/);
  expect(result.outputTail).toHaveLength(2000);
  expect(result.stdout).toHaveLength(2000);
  expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
});

test('a slow consumer slows the program down instead of filling the memory', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let lines = 0;
  const flood = js(
    'const fs = require("fs"); const line = "x".repeat(999) + "\\n"; for (let i = 0; i < 5000; i += 1) fs.writeSync(1, line); fs.writeFileSync("flood-done", "")',
  );
  const running = run(flood, {
    onLine: async () => {
      lines += 1;
      if (lines === 1) await held;
    },
  });

  await vi.waitUntil(() => lines === 1);
  // That something does not happen can only be seen by giving it time to.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const doneEarly = existsSync(join(folder, 'flood-done'));
  release();
  await running;

  expect(doneEarly).toBe(false);
  expect(lines).toBe(5000);
});

test('what onLine throws ends the program and comes back', async () => {
  const id = randomUUID();

  const running = run(js(`console.log("x"); setInterval(() => {}, 1000) // ${id}`), {
    killGraceMs: 100,
    onLine: () => {
      throw new Error('cannot use this');
    },
  });

  await expect(running).rejects.toThrow('cannot use this');
  expect(processesWith(id)).toEqual([]);
});

test('a timeout ends a program that listens to SIGTERM without waiting for the grace', async () => {
  const result = await run(
    js('process.on("SIGTERM", () => { console.log("bye"); process.exit(7) }); setInterval(() => {}, 1000)'),
    {
      timeoutMs: 500,
      killGraceMs: 15_000,
    },
  );

  expect(result).toMatchObject({ exitCode: 7, timedOut: true, cancelled: false });
  expect(result.outputTail).toContain('bye');
  expect(result.durationMs).toBeLessThan(10_000);
});

test('a program that ignores SIGTERM is killed after the grace', async () => {
  const result = await run(js('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'), {
    timeoutMs: 500,
    killGraceMs: 200,
  });

  expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true });
});

test('the signal cancels, also before the start', async () => {
  const running = new AbortController();
  const before = run(js('setInterval(() => {}, 1000); console.log("up")'), {
    signal: running.signal,
    killGraceMs: 500,
    onLine: () => running.abort(),
  });

  expect(await before).toMatchObject({ cancelled: true, timedOut: false, signal: 'SIGTERM' });
  expect(await run(js(''), { signal: AbortSignal.abort() })).toMatchObject({
    cancelled: true,
    exitCode: null,
    spawnError: null,
  });
});

/** Starts grandchildren in every way that leaves the group: own session, double fork, no SIGTERM, pipe kept open. */
const WILD_FAMILY = `
  const { spawn } = require('child_process');
  const sleeper = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)';
  const orphan = 'require("child_process").spawn(process.execPath, ["-e", ' + JSON.stringify(sleeper) + '], { detached: true, stdio: "inherit" }).unref()';
  spawn(process.execPath, ['-e', sleeper], { detached: true, stdio: 'inherit' }).unref();
  spawn(process.execPath, ['-e', sleeper], { stdio: 'inherit' });
  spawn(process.execPath, ['-e', sleeper], { detached: true, stdio: 'inherit', env: {} }).unref();
  spawn(process.execPath, ['-e', orphan], { stdio: 'inherit' }).on('exit', () => console.log('family is up'));
`;

test.each([
  ['the timeout', { timeoutMs: 3000 }],
  ['a cancel', {}],
])('after %s nothing of a wild family is left', async (_what, options) => {
  const id = randomUUID();
  const stop = new AbortController();

  const result = await run(js(`/* ${id} */ ${WILD_FAMILY}`), {
    ...options,
    env: { PATH, FAMILY: id },
    signal: stop.signal,
    killGraceMs: 200,
    onLine: (line) => {
      if (line === 'family is up' && !('timeoutMs' in options)) stop.abort();
    },
  });

  expect(result.outputTail).toContain('family is up');
  expect(result.leftBehind).toEqual([]);
  expect(processesWith(id)).toEqual([]);
});

test('what a program leaves in the background ends with it, though it holds the pipe open', async () => {
  const id = randomUUID();
  const script = `
    const { spawn } = require('child_process');
    spawn(process.execPath, ['-e', 'console.log("alive"); setInterval(() => {}, 1000)'], { detached: true, stdio: 'inherit' }).unref();
    setTimeout(() => process.exit(0), 300);`;

  const result = await run(js(script), { env: { PATH, FAMILY: id } });

  expect(result).toMatchObject({ exitCode: 0, timedOut: false });
  expect(processesWith(id)).toEqual([]);
});

test('other programs stay alone', async () => {
  const stop = new AbortController();
  let up = false;
  const neighbour = run(js('console.log("up"); setInterval(() => {}, 1000)'), {
    signal: stop.signal,
    onLine: () => void (up = true),
  });
  await vi.waitUntil(() => up);

  await run(js('setInterval(() => {}, 1000)'), { timeoutMs: 300, killGraceMs: 100 });
  const answer = await Promise.race([neighbour, Promise.resolve('still running')]);
  stop.abort();
  await neighbour;

  expect(answer).toBe('still running');
});

test('the tail is without control characters and secrets, also when one hides the other', async () => {
  const result = await run(js('process.stdout.write("\\x1b[32mtok\\x1b[0men-value-1 done\\x07\\n")'), {
    redact: (text) => text.replaceAll('token-value-1', '***'),
  });

  expect(result.outputTail).toBe('*** done\n');
});

test('a hundred short commands leave neither processes nor listeners behind', async () => {
  const stop = new AbortController();
  const id = randomUUID();

  for (let round = 0; round < 10; round += 1) {
    await Promise.all(
      Array.from({ length: 10 }, () => run(['true'], { signal: stop.signal, env: { PATH, FAMILY: id } })),
    );
  }

  expect(processesWith(id)).toEqual([]);
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
});
