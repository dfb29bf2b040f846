import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AgentTask } from '../../../src/runner/agents/agent.ts';
import { CODEX } from '../../../src/runner/agents/codex.ts';
import type { HeadlessAgentOptions } from '../../../src/runner/agents/headless-agent.ts';
import { type AgentFolders, anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';
import { aHeadlessAgent, HEADLESS_KEY } from '../../support/headless.ts';
import type { ModelTurn } from '../../support/messages-api.ts';
import { startModelApi } from '../../support/model-api.ts';
import { processesWith } from '../../support/processes.ts';

/** The driver as in a sandbox, but without one around it: the fake finds the gateway on loopback. */
const AS_IF_SANDBOXED = { isSandboxed: true, network: true };

let folders: AgentFolders;
/** Is in the environment of everything that a test starts. */
let family: string;
beforeEach(async () => {
  folders = await makeAgentFolders({ 'add.js': 'export const add = (a, b) => a - b;\n' });
  family = randomUUID();
});
afterEach(async () => {
  const left = processesWith(family);
  await folders[Symbol.asyncDispose]();
  expect(left, 'nothing is left running').toEqual([]);
});

function aCodex(scenario: string, modelUrl: string, options: Partial<HeadlessAgentOptions> = {}) {
  return aHeadlessAgent(CODEX, modelUrl, {
    ...AS_IF_SANDBOXED,
    ...options,
    env: { FAKE_AGENT: scenario, FAMILY: family, ...options.env },
  });
}

async function run(
  scenario: string,
  turns: ModelTurn[] | (() => ModelTurn),
  task: Partial<AgentTask> = {},
  options: Partial<HeadlessAgentOptions> = {},
) {
  await using model = await startModelApi('openai', turns);
  const aTask = anAgentTask(folders, task);
  const result = await aCodex(scenario, model.url, options).run(aTask);
  return { result, events: aTask.events, model };
}

test('finished work: file changed, events told, tokens counted by the gateway, cost unknown', async () => {
  const { result, events, model } = await run('success', []);

  expect(result).toEqual({
    ending: 'completed',
    detail: 'Codex finished its work.',
    summary: 'It adds now.',
    session: '01a211ce-dff0-75f1-8edf-6546aaf9a73c',
    usage: { inputTokens: 2000, outputTokens: 200, costUsd: null, turns: 2 },
    model: 'the-model',
    exitCode: 0,
  });
  expect(await readFile(join(folders.workspace, 'add.js'), 'utf8')).toContain('a + b');
  expect(events.map(({ kind }) => kind)).toEqual(['warning', 'message', 'tool', 'message']);
  expect(events[2]?.text).toBe('/bin/bash -lc "sed -i \'s/a - b/a + b/\' add.js"');
  for (const turn of model.turns()) expect(turn.headers.authorization).toBe(`Bearer ${HEADLESS_KEY}`);
});

test('with a price the cost is known', async () => {
  const { result } = await run('success', [], {}, { price: { input: 2, output: 10, cachedInput: 0.5 } });

  // Twice 600 tokens read, 400 from the cache, 100 written.
  expect(result.usage.costUsd).toBeCloseTo((1200 * 2 + 800 * 0.5 + 200 * 10) / 1_000_000, 9);
});

test('neither the real key nor anything of the runner gets to it; nor do the repository’s settings', async () => {
  const record = join(folders.root, 'calls');

  await run('success', [], { prompt: '/clear', model: 'gpt-x' }, { env: { FAKE_RECORD: record } });

  const call = JSON.parse(await readFile(record, 'utf8')) as {
    args: string[];
    env: Record<string, string>;
    cwd: string;
    prompt: string;
  };
  expect(call.cwd).toBe(folders.workspace);
  expect(call.prompt).toBe('Work on the following task.\n\n/clear');
  expect(JSON.stringify(call)).not.toContain(HEADLESS_KEY);
  expect(call.env).not.toHaveProperty('SECRET_OF_RUNNER');
  expect(call.env).toMatchObject({ HOME: folders.home, CODEX_HOME: join(folders.agent, '.codex') });
  expect(call.args).toEqual(
    expect.arrayContaining([
      '--ignore-user-config',
      '--ignore-rules',
      'gpt-x',
      'project_doc_max_bytes=0',
      'skills.include_instructions=false',
    ]),
  );
  expect(call.args).not.toContain('--trust');
  expect(call.args.join(' ')).not.toContain(call.env['YARDMASTER_RUN_TOKEN']);
});

test('a later round goes on with the session of the first', async () => {
  const record = join(folders.root, 'calls');

  const { result } = await run(
    'success',
    [],
    { resumeSession: '01a211ce-0000' },
    { env: { FAKE_RECORD: record } },
  );

  const { args } = JSON.parse(await readFile(record, 'utf8')) as { args: string[] };
  expect(args.slice(0, 2)).toEqual(['exec', 'resume']);
  expect(args.slice(-2)).toEqual(['01a211ce-0000', '-']);
  expect(result.session).toBe('01a211ce-0000');
});

const failing = (status: number, type: string) => () => ({ error: { status, type, message: 'said so' } });

test.each<[string, () => ModelTurn, string, number]>([
  ['a refused key', failing(401, 'invalid_api_key'), 'auth_error', 1],
  ['a forbidden account', failing(403, 'permission_error'), 'auth_error', 1],
  ['no credit', failing(429, 'insufficient_quota'), 'billing_error', 1],
  ['too many requests', failing(429, 'rate_limit_exceeded'), 'rate_limited', 6],
  ['trouble of the service', failing(503, 'server_error'), 'api_error', 6],
  ['an unknown model', failing(404, 'model_not_found'), 'config_error', 3],
  ['too long', failing(400, 'context_length_exceeded'), 'prompt_too_long', 3],
])(
  '%s ends the run with its name, and without the tries that are of no use',
  async (_, turn, ending, asked) => {
    const { result, model } = await run('success', turn);

    expect(result).toMatchObject({ ending, usage: { turns: 0 } });
    expect(result.detail).toContain('said so');
    expect(model.turns().length).toBeGreaterThanOrEqual(asked);
    expect(model.turns().length).toBeLessThanOrEqual(asked + 2);
  },
);

test('one failure in between is no failure', async () => {
  const { result } = await run('success', [{ error: { status: 500, type: 'server_error', message: 'x' } }]);

  expect(result).toMatchObject({ ending: 'completed', usage: { turns: 2 } });
});

test('a service that can’t be reached is an outage', async () => {
  expect(await aCodex('success', 'http://127.0.0.1:1').run(anAgentTask(folders))).toMatchObject({
    ending: 'api_error',
    detail: expect.stringContaining('ECONNREFUSED'),
  });
});

test('turns and money are limited although it knows no limits', async () => {
  const turns = await run('endless', [], { maxTurns: 3 });
  const money = await run(
    'endless',
    [],
    { maxTurns: 100, maxBudgetUsd: 0.01 },
    { price: { input: 10, output: 10 } },
  );

  expect(turns.result).toMatchObject({ ending: 'max_turns', usage: { turns: 3 } });
  expect(turns.model.turns()).toHaveLength(3);
  expect(money.result.ending).toBe('max_budget');
  expect(money.model.turns().length).toBeLessThan(5);
});

test.each([
  ['refuses', 'start_error', 'unexpected argument'],
  ['killed', 'crashed', 'SIGKILL'],
  ['breaks-off', 'crashed', 'exit 0'],
])('%s ends as %s', async (scenario, ending, words) => {
  const { result } = await run(scenario, []);

  expect(result).toMatchObject({ ending, detail: expect.stringContaining(words) });
});

test('silence, the end of time, and staying after the end are ended', async () => {
  expect((await run('silent', [], { idleMs: 300 })).result.ending).toBe('idle');
  expect((await run('silent', [], { maxMs: 1500 })).result.ending).toBe('timeout');
  expect((await run('stays', [], {}, { afterResultMs: 50 })).result.ending).toBe('completed');
});

test('cancelling one that is deaf to signals ends it with all that it started', async () => {
  await using model = await startModelApi('openai', []);
  const stop = new AbortController();
  const agent = aCodex('deaf', model.url, { killGraceMs: 300 });
  const running = agent.run(anAgentTask(folders, { signal: stop.signal }));
  await vi.waitUntil(() => processesWith(family).length >= 2, { timeout: 20_000 });

  stop.abort();

  expect(await running).toMatchObject({ ending: 'cancelled' });
});

test('without a sandbox it uses its own, and says where that can’t work', async () => {
  const record = join(folders.root, 'calls');
  await using model = await startModelApi('openai', []);
  const agent = aCodex('success', model.url, { isSandboxed: false, env: { FAKE_RECORD: record } });

  const below = await agent.run(anAgentTask(folders, { agentFolder: '/tmp/somewhere' }));
  const home = await mkdtemp('/var/tmp/agent-home-');
  const beside = await agent.run(anAgentTask(folders, { agentFolder: home }));
  await rm(home, { recursive: true });

  expect(below).toMatchObject({ ending: 'config_error', detail: expect.stringContaining('workspace_root') });
  expect(beside.ending).toBe('completed');
  const { args } = JSON.parse(await readFile(record, 'utf8')) as { args: string[] };
  expect(args).toContain('sandbox_mode="workspace-write"');
  expect(args).not.toContain('--dangerously-bypass-approvals-and-sandbox');
});

test('preflight: version, options, credentials, and a warning where it was never tried', async () => {
  const at = (env: Record<string, string>, options: Partial<HeadlessAgentOptions> = {}) =>
    aCodex('success', 'http://127.0.0.1:1', { ...options, env }).preflight();

  expect(await at({})).toEqual({ ok: true, version: '0.169.0', warning: null });
  expect(await at({ FAKE_VERSION: '0.200.1' })).toEqual({
    ok: true,
    version: '0.200.1',
    warning: 'Codex 0.200.1 has not been tried with this runner; 0.169.0 and newer, below 0.170.0, have',
  });
  expect(await at({ FAKE_VERSION: '0.200.1' }, { version: '0.169' })).toMatchObject({
    ok: false,
    reason: 'Codex is 0.200.1, but 0.169 is configured',
  });
  expect(await at({ FAKE_HELP: '--json' })).toMatchObject({
    ok: false,
    reason: expect.stringContaining('--ignore-user-config'),
  });
  expect(await at({ OPENAI_API_KEY: '' })).toMatchObject({ ok: false, reason: 'Codex has no credentials' });
  expect(await at({}, { executable: '/nowhere/codex' })).toMatchObject({
    ok: false,
    fix: expect.stringContaining('npm install --global @openai/codex'),
  });
});

test('the machine’s key does not go to an address that the configuration names', async () => {
  const agent = aCodex('success', 'https://elsewhere.example', {
    env: { OPENAI_API_KEY: '' },
    machineEnv: { PATH: process.env['PATH'], OPENAI_API_KEY: HEADLESS_KEY },
  });

  expect(await agent.preflight()).toMatchObject({ ok: false, reason: 'Codex has no credentials' });
});
