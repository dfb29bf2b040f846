import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pino } from 'pino';
import { systemClock } from '../../../src/lib/clock.ts';
import type { AgentTask } from '../../../src/runner/agents/agent.ts';
import { createCommandAgent } from '../../../src/runner/agents/command-agent.ts';
import type { CommandAgentOptions } from '../../../src/runner/agents/command-agent.ts';
import { anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';
import type { AgentFolders } from '../../support/agent-folders.ts';
import { processesWith } from '../../support/processes.ts';

let folders: AgentFolders;
let family: string;
beforeEach(async () => {
  folders = await makeAgentFolders();
  family = randomUUID();
});
afterEach(async () => {
  const left = processesWith(family);
  await folders[Symbol.asyncDispose]();
  expect(left, 'nothing is left running').toEqual([]);
});

function anAgent(code: string, options: Partial<CommandAgentOptions> = {}) {
  return createCommandAgent({
    name: 'scripted',
    command: [process.execPath, '-e', code],
    machineEnv: { PATH: process.env['PATH'], SECRET_OF_RUNNER: 'never' },
    log: pino({ level: 'silent' }),
    clock: systemClock,
    ...options,
    env: { FAMILY: family, ...options.env },
  });
}

async function run(
  code: string,
  overrides: Partial<AgentTask> = {},
  options: Partial<CommandAgentOptions> = {},
) {
  const task = anAgentTask(folders, overrides);
  return { ...(await anAgent(code, options).run(task)), events: task.events };
}

test('prompt on stdin, workspace as working directory, limits in the environment, nothing of the runner', async () => {
  const result = await run(
    `const { HOME, TMPDIR, FAMILY, YARDMASTER_MODEL, YARDMASTER_MAX_TURNS, YARDMASTER_MAX_BUDGET_USD, YARDMASTER_AGENT_FOLDER, SECRET_OF_RUNNER } = process.env;
     console.log(JSON.stringify({ type: 'result', summary: JSON.stringify({
       prompt: require('fs').readFileSync(0, 'utf8'), cwd: process.cwd(), HOME, TMPDIR, FAMILY,
       YARDMASTER_MODEL, YARDMASTER_MAX_TURNS, YARDMASTER_MAX_BUDGET_USD, YARDMASTER_AGENT_FOLDER, SECRET_OF_RUNNER }) }))`,
    { prompt: 'Do it.', model: 'small', maxTurns: 7, maxBudgetUsd: 2.5 },
  );

  expect(result.ending).toBe('completed');
  expect(JSON.parse(result.summary)).toEqual({
    prompt: 'Do it.',
    cwd: folders.workspace,
    HOME: folders.home,
    TMPDIR: folders.temp,
    FAMILY: family,
    YARDMASTER_MODEL: 'small',
    YARDMASTER_MAX_TURNS: '7',
    YARDMASTER_MAX_BUDGET_USD: '2.5',
    YARDMASTER_AGENT_FOLDER: folders.agent,
  });
});

test('events, a result with usage, and lines that are just lines', async () => {
  const result = await run(`
    console.log('starting');
    console.log(JSON.stringify({ type: 'message', text: 'thinking\\nhard' }));
    console.log(JSON.stringify({ type: 'tool', text: 'edit a.js' }));
    console.log('{"no": "event"}');
    console.log('{broken');
    console.log('');
    console.log(JSON.stringify({ type: 'result', summary: 'All done.', model: 'm-1', usage: { inputTokens: 5, outputTokens: 2, costUsd: 0.1, turns: 3 } }));`);

  expect(result).toMatchObject({
    ending: 'completed',
    summary: 'All done.',
    model: 'm-1',
    session: null,
    usage: { inputTokens: 5, outputTokens: 2, costUsd: 0.1, turns: 3 },
    exitCode: 0,
  });
  expect(result.events).toEqual([
    { kind: 'message', text: 'starting' },
    { kind: 'message', text: 'thinking hard' },
    { kind: 'tool', text: 'edit a.js' },
    { kind: 'message', text: '{"no": "event"}' },
    { kind: 'message', text: '{broken' },
  ]);
});

test.each([
  ['{"type":"result"}', { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0 }],
  [
    '{"type":"result","usage":{"inputTokens":4}}',
    { inputTokens: 4, outputTokens: 0, costUsd: null, turns: 0 },
  ],
  [
    '{"type":"result","usage":{"inputTokens":-4}}',
    { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0 },
  ],
  ['{"type":"result","usage":"much"}', { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0 }],
])('%s counts as far as it makes sense', async (line, usage) => {
  expect(await run(`console.log(${JSON.stringify(line)})`)).toMatchObject({ ending: 'completed', usage });
});

test('another exit code is a crash, with the last words of the program', async () => {
  const result = await run('console.error("out of cheese"); process.exitCode = 4');

  expect(result).toMatchObject({ ending: 'crashed', exitCode: 4 });
  expect(result.detail).toBe('scripted failed (exit 4): out of cheese');
  expect(result.events).toEqual([{ kind: 'warning', text: 'out of cheese' }]);
});

test('a signal from outside is a crash', async () => {
  const result = await run('process.kill(process.pid, "SIGKILL")');

  expect(result).toMatchObject({ ending: 'crashed', exitCode: null, detail: 'scripted failed (SIGKILL)' });
});

test.each([
  ['time limit', { maxMs: 600 }, 'timeout'],
  ['silence', { idleMs: 400 }, 'idle'],
])('the %s ends it with all it started', async (_what, limits, ending) => {
  const code =
    'require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" }); setInterval(() => {}, 1000)';

  expect(await run(code, limits)).toMatchObject({ ending });
});

test('cancelling ends it', async () => {
  const stop = new AbortController();
  const running = run('setInterval(() => {}, 1000)', { signal: stop.signal });
  await vi.waitUntil(() => processesWith(family).length === 1, { timeout: 10_000 });

  stop.abort();

  expect(await running).toMatchObject({ ending: 'cancelled' });
});

test('values of variables that are called like a secret are masked', async () => {
  const env = { MY_API_KEY: 'opensesame-123', COLOUR: 'turquoise' };
  const result = await run(
    'console.log(process.env.MY_API_KEY, process.env.COLOUR); process.exitCode = 1',
    {},
    { env },
  );

  expect(JSON.stringify(result)).not.toContain('opensesame');
  expect(result.events).toEqual([{ kind: 'message', text: '*** turquoise' }]);
});

test('a program that is not there: preflight says so, and a run is an ending', async () => {
  const agent = anAgent('', { command: ['no-such-agent'] });

  expect(await agent.preflight()).toMatchObject({
    ok: false,
    reason: 'There is no program no-such-agent here',
  });
  expect(await agent.run(anAgentTask(folders))).toMatchObject({ ending: 'start_error', exitCode: null });
  expect(await anAgent('').preflight()).toEqual({ ok: true, version: null });
});

test('a program of the same name in the workspace is not taken', async () => {
  await using hostile = await makeAgentFolders({ 'no-such-agent': '#!/bin/sh\ntouch pwned\n' });
  const agent = anAgent('', { command: ['no-such-agent'], machineEnv: { PATH: `.:${process.env['PATH']}` } });

  expect(await agent.run(anAgentTask(hostile))).toMatchObject({ ending: 'start_error' });
});
