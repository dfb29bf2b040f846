import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { runSteps, type RunStepsOptions } from '../../src/runner/run-steps.ts';
import { processesWith } from '../support/processes.ts';
import { until } from '../support/until.ts';

const node = (script: string): string[] => ['node', '-e', script];

test('runs one after the other, keeps what they say, and masks secrets', async () => {
  const lines: string[] = [];

  const steps = await run(
    [node('console.log("hunter2 one")'), node('console.error("two"); process.exit(3)')],
    {
      onLine: (line) => lines.push(line),
    },
  );

  expect(steps.map(({ run }) => run)).toMatchObject([
    { exitCode: 0, timedOut: false, outputTail: '*** one\n' },
    { exitCode: 3, timedOut: false, outputTail: 'two\n' },
  ]);
  expect(lines).toEqual(
    expect.arrayContaining(['hunter2 one', 'two', expect.stringMatching(/^→ exit 3 after/)]),
  );
});

test('stops at the first that fails, unless it shall go on', async () => {
  const commands = [node('process.exit(1)'), node('')];

  expect(await run(commands, { keepGoing: false })).toHaveLength(1);
  expect(await run(commands, { keepGoing: true })).toHaveLength(2);
});

test('a command that is not there is a failed step that says so', async () => {
  const [step] = await run([['no-such-program-anywhere']]);

  expect(step?.run).toMatchObject({ exitCode: null, timedOut: false });
  expect(step?.run.outputTail).toContain('no-such-program-anywhere could not be started');
});

test('a command that does not end is ended, and is a failed step', async () => {
  const [step] = await run([node('setInterval(() => undefined, 1000)')], { timeoutMs: 200 });

  expect(step?.run).toMatchObject({ timedOut: true });
});

test.skipIf(process.platform !== 'linux')(
  'a command that uses more memory than it may, together with what it started, is ended, and told so',
  async () => {
    const hog = 'const hog = Buffer.alloc(150e6, 1); setInterval(() => hog.at(0), 1000)';
    const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(hog)}]); ${hog}`;

    const [step] = await run([node(parent)], {
      enclose: (launch) => ({ ...launch, maxMemoryBytes: 300e6 }),
      timeoutMs: 30_000,
    });

    expect(step?.run).toMatchObject({ exitCode: null, timedOut: false });
    expect(step?.run.outputTail).toContain(
      'more memory than the 286 MB that it may; sandbox.limits.memory_mb',
    );
    expect(processesWith('150e6')).toEqual([]);
  },
);

test('of a long output the end is kept, from the start of a line', async () => {
  const [step] = await run([node('for (let i = 0; i < 5000; i++) console.log("line " + i)')]);

  expect(Buffer.byteLength(step?.run.outputTail ?? '')).toBeLessThanOrEqual(8192);
  expect(step?.run.outputTail).toMatch(/^line \d+\n/);
  expect(step?.run.outputTail).toMatch(/line 4999\n$/);
});

test('an abort ends what runs, and comes out with its reason', async () => {
  const controller = new AbortController();
  const mark = `run-steps-${process.pid}`;
  const running = run([node(`"${mark}"; setInterval(() => undefined, 1000)`)], {
    signal: controller.signal,
  });
  await until('it runs', () => processesWith(mark).length > 0);

  controller.abort(new Error('called off'));

  await expect(running).rejects.toThrow('called off');
  expect(processesWith(mark)).toEqual([]);
});

function run(commands: string[][], options: Partial<RunStepsOptions> = {}) {
  return runSteps({
    commands,
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '' },
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    keepGoing: true,
    redact: (text) => text.replaceAll('hunter2', '***'),
    clock: systemClock,
    onLine: () => undefined,
    ...options,
  });
}
