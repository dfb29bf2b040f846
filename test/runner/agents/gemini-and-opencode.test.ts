import { randomUUID } from 'node:crypto';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentTask } from '../../../src/runner/agents/agent.ts';
import { GEMINI } from '../../../src/runner/agents/gemini.ts';
import type { HeadlessAgentOptions } from '../../../src/runner/agents/headless-agent.ts';
import { createOpencodeCli } from '../../../src/runner/agents/opencode.ts';
import { type AgentFolders, anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';
import { aHeadlessAgent, HEADLESS_KEY } from '../../support/headless.ts';
import { type ModelTurn, startMessagesApi } from '../../support/messages-api.ts';
import { startModelApi } from '../../support/model-api.ts';
import { processesWith } from '../../support/processes.ts';

/** The driver as in a sandbox, but without one around it: the fakes find the gateway on loopback. */
const AS_IF_SANDBOXED = { isSandboxed: true, network: true };
const CLIS = {
  gemini: {
    cli: GEMINI,
    startModel: (script: ModelTurn[] | (() => ModelTurn)) => startModelApi('gemini', script),
    key: 'x-goog-api-key',
    model: 'gemini-2.5-pro',
    resume: ['--resume', 'of-before'],
    home: ['.gemini/settings.json'],
    usage: { inputTokens: 2000, outputTokens: 200, costUsd: null, turns: 2 },
  },
  opencode: {
    cli: createOpencodeCli('anthropic'),
    startModel: startMessagesApi,
    key: 'x-api-key',
    model: 'claude-sonnet-4-5',
    resume: ['--session', 'of-before'],
    home: [],
    usage: { inputTokens: 2000, outputTokens: 200, costUsd: 0.009, turns: 2 },
  },
};

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

describe.each(['gemini', 'opencode'] as const)('%s', (name) => {
  const { cli, startModel, key, model: modelName, resume, usage } = CLIS[name];

  function anAgent(scenario: string, modelUrl: string, options: Partial<HeadlessAgentOptions> = {}) {
    return aHeadlessAgent(cli, modelUrl, {
      ...AS_IF_SANDBOXED,
      model: modelName,
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
    await using model = await startModel(turns);
    const aTask = anAgentTask(folders, task);
    const result = await anAgent(scenario, model.url, options).run(aTask);
    return { result, events: aTask.events.map(({ kind, text }) => `${kind}: ${text}`), model };
  }

  test('finished work: file changed, events told, tokens counted, the key only at the service', async () => {
    const record = join(folders.root, 'calls');
    const { result, events, model } = await run('success', [], {}, { env: { FAKE_RECORD: record } });

    expect(result).toMatchObject({
      ending: 'completed',
      detail: `${cli.title} finished its work.`,
      summary: 'It adds now.',
      session: expect.stringMatching(/.{20}/),
      model: modelName,
      exitCode: 0,
    });
    expect({
      ...result.usage,
      costUsd: result.usage.costUsd && Math.round(result.usage.costUsd * 1e4) / 1e4,
    }).toEqual(usage);
    expect(await readFile(join(folders.workspace, 'add.js'), 'utf8')).toContain('a + b');
    expect(events).toEqual([
      'message: I read the code first.',
      expect.stringMatching(/^tool: \w+ sed -i 's\/a - b\/a \+ b\/' add\.js$/),
      'message: It adds now.',
    ]);
    for (const turn of model.turns()) expect(turn.headers[key]).toBe(HEADLESS_KEY);
    const call = JSON.parse(await readFile(record, 'utf8')) as { args: string[]; env: object; cwd: string };
    expect(call.cwd).toBe(folders.workspace);
    expect(JSON.stringify(call)).not.toContain(HEADLESS_KEY);
    expect(call.env).not.toHaveProperty('SECRET_OF_RUNNER');
  });

  test('a later round goes on with the session of the first', async () => {
    const record = join(folders.root, 'calls');
    const task = { resumeSession: 'of-before' };

    const { result } = await run('success', [], task, { env: { FAKE_RECORD: record } });

    const { args } = JSON.parse(await readFile(record, 'utf8')) as { args: string[] };
    expect(args.slice(args.indexOf(resume[0] ?? '')).slice(0, 2)).toEqual(resume);
    expect(result.session).toBe('of-before');
  });

  test.each([
    ['a refused key', 401, 'authentication_error', 'auth_error', 1],
    ['a forbidden account', 403, 'permission_error', 'auth_error', 1],
    ['no credit', 402, 'billing_error', 'billing_error', 1],
    ['too many requests', 429, 'rate_limit_error', 'rate_limited', 6],
    ['trouble of the service', 503, 'overloaded_error', 'api_error', 6],
    ['an unknown model', 404, 'not_found_error', 'config_error', 3],
    ['too long', 413, 'request_too_large', 'prompt_too_long', 3],
  ])(
    '%s ends the run with its name, and without the tries that are of no use',
    async (_, status, type, ending, asked) => {
      const { result, model } = await run('success', () => ({ error: { status, type, message: 'said so' } }));

      expect(result).toMatchObject({ ending, usage: { turns: 0 } });
      expect(result.detail).toContain('said so');
      expect(model.turns().length).toBeGreaterThanOrEqual(asked);
      expect(model.turns().length).toBeLessThanOrEqual(asked + 2);
    },
  );

  test('a service that can’t be reached is an outage', async () => {
    expect(await anAgent('success', 'http://127.0.0.1:1').run(anAgentTask(folders))).toMatchObject({
      ending: 'api_error',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('turns are limited although it knows no limits', async () => {
    const { result, model } = await run('endless', [], { maxTurns: 3 });

    expect(result).toMatchObject({ ending: 'max_turns', usage: { turns: 3 } });
    expect(model.turns()).toHaveLength(3);
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
    // Who may go on after its end is ended by the silence.
    const patience = cli.endsByItself === true ? { idleMs: 3000 } : {};
    expect((await run('stays', [], patience, { afterResultMs: 50 })).result.ending).toBe('completed');
  });

  test('cancelling one that is deaf to signals ends it with all that it started', async () => {
    await using model = await startModel([]);
    const stop = new AbortController();
    const agent = anAgent('deaf', model.url, { killGraceMs: 300 });
    const running = agent.run(anAgentTask(folders, { signal: stop.signal }));
    await vi.waitUntil(() => processesWith(family).length >= 2, { timeout: 20_000 });

    stop.abort();

    expect(await running).toMatchObject({ ending: 'cancelled' });
  });

  test('runs in a sandbox only, and only with credentials of its own', async () => {
    const open = anAgent('success', 'http://127.0.0.1:1', { isSandboxed: false });

    expect(await open.preflight()).toMatchObject({
      ok: false,
      fix: expect.stringContaining('sandbox: required'),
    });
    expect((await open.run(anAgentTask(folders))).ending).toBe('config_error');
    const poor = anAgent('success', 'http://127.0.0.1:1', {
      env: { [cli.variables.keys.at(-1) ?? '']: '' },
    });
    expect(await poor.preflight()).toMatchObject({ ok: false, reason: `${cli.title} has no credentials` });
    expect(await anAgent('success', 'http://127.0.0.1:1').preflight()).toMatchObject({
      ok: true,
      warning: null,
    });
  });
});

test.each(['.gemini', '.gemini/settings.json'])(
  'gemini: a link that an earlier round left at %s leads nowhere',
  async (name) => {
    const elsewhere = join(folders.root, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'settings.json'), 'of the runner');
    const target = name === '.gemini' ? elsewhere : join(elsewhere, 'settings.json');
    await mkdir(dirname(join(folders.agent, name)), { recursive: true });
    await symlink(target, join(folders.agent, name));
    const task = anAgentTask(folders);

    await GEMINI.prepare?.({ task, prompt: '', model: null, url: '', token: '', isSandboxed: true });

    expect(await readFile(join(elsewhere, 'settings.json'), 'utf8')).toBe('of the runner');
    expect(await readFile(join(folders.agent, '.gemini/settings.json'), 'utf8')).toContain('gemini-api-key');
  },
);

test('gemini: of its folder only the conversation is its session', () => {
  const session = '01234567-89ab-4cde-8f01-23456789abcd';
  const chats = '.gemini/tmp/shop/chats';
  const isKept = (path: string): boolean => GEMINI.isSessionFile?.(session, path) === true;

  expect(
    [`${chats}/session-2026-11-30T10-00-01234567.jsonl`, `${chats}/${session}/helper.jsonl`].filter(isKept),
  ).toHaveLength(2);
  const others = [
    'settings.json',
    'GEMINI.md',
    'tmp/shop/.project_root',
    'tmp/shop/memory/MEMORY.md',
    'commands/x.toml',
  ];
  const strange = [
    `${chats}/session-x-76543210.jsonl`,
    `${chats}/${session}/a/b.jsonl`,
    `.gemini/tmp/a/b/chats/session-01234567.jsonl`,
  ];
  expect([...others.map((name) => `.gemini/${name}`), ...strange].filter(isKept)).toEqual([]);
});

test('gemini: a wrong key, which is told only in the details of a mistake, is one', async () => {
  const wrong = { error: { status: 400, type: 'API_KEY_INVALID', message: 'API key not valid' } };
  await using model = await startModelApi('gemini', () => wrong);
  const agent = aHeadlessAgent(GEMINI, model.url, { ...AS_IF_SANDBOXED, env: { FAMILY: family } });

  expect((await agent.run(anAgentTask(folders))).ending).toBe('auth_error');
  expect(model.turns().length).toBeLessThanOrEqual(2);
});

test.each([
  ['anthropic', 'claude-sonnet-4-5', 'anthropic/claude-sonnet-4-5', 'http://gateway/v1'],
  ['openai', 'openai/gpt-5.2', 'openai/gpt-5.2', 'http://gateway'],
  ['gemini', 'gemini-2.5-pro', 'google/gemini-2.5-pro', 'http://gateway/v1beta'],
] as const)('opencode reaches %s only through the gateway', (api, model, asked, baseURL) => {
  const cli = createOpencodeCli(api);
  const run = {
    task: anAgentTask(folders),
    prompt: '',
    model,
    url: 'http://gateway',
    token: 'of-this-run',
    isSandboxed: true,
  };

  const { args, env } = cli.launch(run);
  const config = JSON.parse(env['OPENCODE_CONFIG_CONTENT'] ?? '') as Record<string, unknown>;

  const [provider] = asked.split('/');
  expect(args.slice(-2)).toEqual(['--model', asked]);
  expect(config).toMatchObject({
    enabled_providers: [provider],
    provider: { [provider ?? '']: { options: { baseURL, apiKey: 'of-this-run' } } },
  });
  expect(cli.findObstacle?.(run)).toBe(null);
  expect(cli.findObstacle?.({ ...run, model: 'elsewhere/some-model' })).toContain('elsewhere/some-model');
});

test('what is no event, or one of the future, is passed over', () => {
  for (const { cli } of Object.values(CLIS)) {
    const reader = cli.createReader({
      task: anAgentTask(folders),
      prompt: '',
      model: null,
      url: '',
      token: '',
      isSandboxed: true,
    });
    for (const line of ['', '[]', '{"type":', '{"type":7}', '{"type":"result"}', '{"type":"new"}', 'text']) {
      expect(() => reader.read(line)).not.toThrow();
    }
    expect(reader.facts().finished).toBe(false);
  }
});
