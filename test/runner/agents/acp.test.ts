import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAcpCli } from '../../../src/runner/agents/acp.ts';
import type { AgentTask } from '../../../src/runner/agents/agent.ts';
import type { HeadlessAgentOptions } from '../../../src/runner/agents/headless-agent.ts';
import { type AgentFolders, anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';
import { aHeadlessAgent, HEADLESS_KEY } from '../../support/headless.ts';
import { startMessagesApi } from '../../support/messages-api.ts';
import { processesWith } from '../../support/processes.ts';

const FAKE = path.resolve(import.meta.dirname, '../../fixtures/bin/fake-acp.mjs');
/** The driver as in a sandbox, but without one around it: the fake finds the gateway on loopback. */
const AS_IF_SANDBOXED = { isSandboxed: true, network: true };

let folders: AgentFolders;
/** Is in the environment of everything that a test starts. */
let family: string;
let record: string;
beforeEach(async () => {
  folders = await makeAgentFolders({ 'add.js': 'export const add = (a, b) => a - b;\n' });
  family = randomUUID();
  record = join(folders.root, 'calls');
});
afterEach(async () => {
  const left = processesWith(family);
  await folders[Symbol.asyncDispose]();
  expect(left, 'nothing is left running').toEqual([]);
});

type Options = Partial<HeadlessAgentOptions> & { api?: 'anthropic' };

function anAgent(scenario: string, { api, ...options }: Options = {}, modelUrl = '') {
  const env = { FAKE_AGENT: scenario, FAMILY: family, FAKE_RECORD: record, ...options.env };
  const cli = createAcpCli({ name: 'fake', command: [FAKE, '--acp'], api: api ?? null, env });
  return aHeadlessAgent(cli, modelUrl, { executable: FAKE, ...AS_IF_SANDBOXED, ...options, env });
}

async function run(scenario: string, task: Partial<AgentTask> = {}, options: Options = {}) {
  const aTask = anAgentTask(folders, task);
  const result = await anAgent(scenario, options).run(aTask);
  return { result, events: aTask.events.map(({ kind, text }) => `${kind}: ${text}`) };
}

async function readRecord(): Promise<Record<string, unknown>[]> {
  const lines = (await readFile(record, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('finished work: what it may do is allowed once, what it tells is understood', async () => {
  const { result, events } = await run('success', { model: 'b' });

  expect(result).toEqual({
    ending: 'completed',
    detail: 'fake finished its work.',
    summary: 'It adds now.',
    session: null,
    usage: { inputTokens: 1000, outputTokens: 100, costUsd: 0.02, turns: 0 },
    model: 'b',
    exitCode: 0,
  });
  expect(await readFile(join(folders.workspace, 'add.js'), 'utf8')).toContain('a + b');
  expect(events).toEqual([
    'message: Looking first.',
    'tool: Shell',
    "tool: sed -i 's/a - b/a + b/' add.js",
    'message: It adds now.',
  ]);
  const [start, ...calls] = await readRecord();
  expect(start).toMatchObject({ args: ['--acp'], cwd: folders.workspace });
  expect(start?.['env']).not.toHaveProperty('SECRET_OF_RUNNER');
  expect(calls).toEqual([
    {
      method: 'initialize',
      params: expect.objectContaining({
        protocolVersion: 1,
        clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
      }),
    },
    { method: 'session/new', params: { cwd: folders.workspace, mcpServers: [] } },
    {
      method: 'session/set_config_option',
      params: { sessionId: 'ses_1', configId: 'model', value: 'b' },
    },
    {
      method: 'session/prompt',
      params: {
        sessionId: 'ses_1',
        prompt: [{ type: 'text', text: 'Fix the failing test in this repository.' }],
      },
    },
    { outcome: { outcome: 'selected', optionId: 'once' } },
  ]);
});

test('with an api its model is behind the gateway, which counts; its own variables are filled in', async () => {
  await using model = await startMessagesApi([]);
  const options = { api: 'anthropic', env: { OWN_CONFIG: '{"url":"{model_url}/v1","key":"{model_token}"}' } };

  const result = await anAgent('success', options as Options, model.url).run(anAgentTask(folders));

  expect(result).toMatchObject({ ending: 'completed', model: 'claude-sonnet-4-5', usage: { turns: 2 } });
  expect(result.usage.costUsd).not.toBe(0.02);
  expect(model.turns().map(({ headers }) => headers['x-api-key'])).toEqual([HEADLESS_KEY, HEADLESS_KEY]);
  const [start] = await readRecord();
  const env = start?.['env'] as Record<string, string>;
  expect(JSON.stringify(env)).not.toContain(HEADLESS_KEY);
  expect(JSON.parse(env['OWN_CONFIG'] ?? '')).toEqual({
    url: `${env['ANTHROPIC_BASE_URL']}/v1`,
    key: env['ANTHROPIC_API_KEY'],
  });
});

test('one that can load a session goes on with it, and what is played back is not shown', async () => {
  const options = { env: { FAKE_LOADS: 'yes' } };

  const first = await run('success', {}, options);
  const second = await run('success', { resumeSession: first.result.session }, options);

  expect(first.result.session).toBe('ses_1');
  expect(second.result).toMatchObject({ ending: 'completed', session: 'ses_1' });
  expect(second.result.usage.costUsd, 'of this round').toBeCloseTo(0.005, 6);
  expect(second.events).not.toContain('message: What was said before.');
  expect(await readRecord()).toContainEqual({
    method: 'session/load',
    params: { cwd: folders.workspace, mcpServers: [], sessionId: 'ses_1' },
  });
});

test.each<[string, string, string]>([
  ['auth', 'auth_error', 'Authentication required'],
  ['turns', 'max_turns', 'The limit of turns'],
  ['expensive', 'max_budget', 'budget'],
  ['refusal', 'crashed', 'refusal'],
  ['future', 'start_error', 'version 2'],
  ['refuses', 'start_error', 'unknown option'],
  ['killed', 'crashed', 'SIGKILL'],
])('%s ends as %s', async (scenario, ending, words) => {
  expect((await run(scenario)).result).toMatchObject({ ending, detail: expect.stringContaining(words) });
});

test('a model that is not offered is said, and not replaced by another', async () => {
  expect((await run('success', { model: 'z' })).result.detail).toContain('does not offer the model z');
});

test('a service that is out is told apart, as the gateway sees it', async () => {
  const refusing = () => ({ error: { status: 401, type: 'authentication_error', message: 'no' } });
  await using model = await startMessagesApi(refusing);

  const result = await anAgent('success', { api: 'anthropic' }, model.url).run(anAgentTask(folders));

  expect(result.ending).toBe('auth_error');
});

test('nothing is read, written or run for it outside of its sandbox', async () => {
  expect((await run('wants-files')).result).toMatchObject({
    ending: 'completed',
    summary: '-32601 -32601 -32601',
  });
});

test('whatever program it is, it finds a folder of its own, unless its configuration names another', () => {
  const env = { CODEX_HOME: '/opt/codex' };
  const cli = createAcpCli({ name: 'fake', command: [FAKE], api: null, env });

  const launched = cli.launch({
    task: anAgentTask(folders),
    prompt: '',
    model: null,
    url: '',
    token: '',
    isSandboxed: true,
  });

  expect(launched.env).toMatchObject({
    CLAUDE_CONFIG_DIR: join(folders.agent, '.claude'),
    GEMINI_CLI_HOME: folders.agent,
    XDG_CONFIG_HOME: join(folders.agent, '.config'),
    XDG_DATA_HOME: join(folders.agent, '.local/share'),
  });
  expect(launched.env).not.toHaveProperty('CODEX_HOME');
});

test('what is no message, or is meant for nobody, is passed over', async () => {
  const { result, events } = await run('junk');

  expect(result.ending).toBe('completed');
  expect(events.join()).not.toContain('stray');
});

test('silence ends it, and so does staying after the end', async () => {
  expect((await run('silent', { idleMs: 1000 })).result.ending).toBe('idle');
  expect((await run('stays', {}, { afterResultMs: 50 })).result.ending).toBe('completed');
});

test('cancelling tells it, and ends one that is deaf with all that it started', async () => {
  const stop = new AbortController();
  const running = anAgent('deaf', { killGraceMs: 1000 }).run(anAgentTask(folders, { signal: stop.signal }));
  await vi.waitUntil(() => processesWith(family).length >= 2, { timeout: 20_000 });

  stop.abort();

  expect(await running).toMatchObject({ ending: 'cancelled' });
  expect(await readRecord()).toContainEqual({ method: 'session/cancel', params: { sessionId: 'ses_1' } });
});

test('preflight says hello: who it is, or that it does not speak the protocol', async () => {
  expect(await anAgent('success').preflight()).toEqual({ ok: true, version: '1.2.3' });
  expect(await anAgent('refuses').preflight()).toMatchObject({
    ok: false,
    reason: expect.stringContaining('unknown option --acp'),
    fix: expect.stringContaining('--acp'),
  });
  expect(await anAgent('future').preflight()).toMatchObject({
    ok: false,
    reason: expect.stringContaining('version 2'),
  });
  expect(await anAgent('success', { executable: '/nowhere/agent' }).preflight()).toMatchObject({ ok: false });
});
