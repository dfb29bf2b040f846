import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pino } from 'pino';
import { systemClock } from '../../../src/lib/clock.ts';
import type { AgentMeter, AgentResult, AgentTask } from '../../../src/runner/agents/agent.ts';
import { createClaudeCodeAgent } from '../../../src/runner/agents/claude-code.ts';
import type { ClaudeCodeOptions } from '../../../src/runner/agents/claude-code.ts';
import type { LaunchNeeds } from '../../../src/runner/sandbox/launch.ts';
import { anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';
import type { AgentFolders } from '../../support/agent-folders.ts';
import { processesWith } from '../../support/processes.ts';

const FAKE = join(import.meta.dirname, '../../fixtures/bin/fake-claude.mjs');
const KEY = 'test-key-0123456789';
const SESSION = '5f3f4a4e-8f6a-4c43-9a3d-1a2b3c4d5e6f';

let folders: AgentFolders;
/** Is in the environment of everything that a test starts. */
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

function anAgent(scenario: string, options: Partial<ClaudeCodeOptions> = {}) {
  return createClaudeCodeAgent({
    executable: FAKE,
    machineEnv: { PATH: process.env['PATH'], ANTHROPIC_API_KEY: KEY, SECRET_OF_RUNNER: 'never' },
    log: pino({ level: 'silent' }),
    clock: systemClock,
    newSessionId: () => SESSION,
    ...options,
    env: { FAKE_CLAUDE: scenario, FAMILY: family, ...options.env },
  });
}

async function run(
  scenario: string,
  overrides: Partial<AgentTask> = {},
  options: Partial<ClaudeCodeOptions> = {},
): Promise<AgentResult & { events: { kind: string; text: string }[]; ms: number }> {
  const task = anAgentTask(folders, overrides);
  const startedMs = performance.now();
  const result = await anAgent(scenario, options).run(task);
  return { ...result, events: task.events, ms: performance.now() - startedMs };
}

test('finished work: file changed, events told, tokens and money counted', async () => {
  const told: AgentMeter[] = [];
  let readMeter = (): AgentMeter | null => null;
  const onMeter: AgentTask['onMeter'] = (read) => {
    readMeter = read;
    told.push(read());
  };
  const { events, ms: _ms, ...result } = await run('success', { model: 'sonnet', onMeter });

  expect(result).toEqual({
    ending: 'completed',
    detail: 'Claude Code finished its work.',
    summary: 'Fixed add(): it subtracted.',
    session: SESSION,
    usage: { inputTokens: 4120, outputTokens: 400, costUsd: 0.024, turns: 4 },
    model: 'sonnet',
    exitCode: 0,
  });
  const nothing = { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0 };
  expect(told).toEqual([{ usage: nothing, model: 'sonnet' }]);
  expect(readMeter()).toEqual({ usage: result.usage, model: 'sonnet' });
  expect(await readFile(join(folders.workspace, 'add.js'), 'utf8')).toContain('a + b');
  expect(events).toEqual([
    { kind: 'message', text: 'I will look at the test first.' },
    { kind: 'tool', text: 'Edit add.js' },
    { kind: 'tool', text: 'Bash node --test' },
    { kind: 'warning', text: 'Bash was denied: requires approval' },
    { kind: 'message', text: 'Fixed add(): it subtracted.' },
  ]);
});

test('it is started in the workspace, with an environment and options of ours and the prompt on stdin', async () => {
  const record = join(folders.root, 'calls');

  await run('success', { prompt: '/clear' }, { env: { FAKE_CLAUDE_RECORD: record } });

  const call = JSON.parse(await readFile(record, 'utf8')) as {
    args: string[];
    env: Record<string, string>;
    cwd: string;
    prompt: string;
  };
  expect(call.cwd).toBe(folders.workspace);
  expect(call.prompt).toBe('Work on the following task.\n\n/clear');
  expect(call.args).toEqual(
    expect.arrayContaining(['--restricted', '--strict-mcp-config', `--session-id=${SESSION}`]),
  );
  expect(call.args.join(' ')).not.toContain(KEY);
  expect(call.env).toMatchObject({
    ANTHROPIC_API_KEY: KEY,
    HOME: folders.home,
    TMPDIR: folders.temp,
    CLAUDE_CONFIG_DIR: join(folders.agent, '.claude'),
    CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
  });
  expect(call.env).not.toHaveProperty('SECRET_OF_RUNNER');
});

test('a later round goes on with the session of the first, in the same home', async () => {
  const record = join(folders.root, 'calls');
  const first = await run('success', {}, { env: { FAKE_CLAUDE_RECORD: record } });

  const second = await run(
    'success',
    { resumeSession: first.session },
    { env: { FAKE_CLAUDE_RECORD: record } },
  );

  const lastCall = (await readFile(record, 'utf8')).trim().split('\n').at(-1) ?? '';
  expect((JSON.parse(lastCall) as { args: string[] }).args).toContain(`--resume=${SESSION}`);
  expect(second.session).toBe(SESSION);
});

test.each([
  ['forbidden', 'auth_error', 1],
  ['not-logged-in', 'auth_error', 1],
  ['rate-limit', 'rate_limited', 1],
  ['credit', 'billing_error', 1],
  ['unknown-model', 'config_error', 1],
  ['overloaded', 'api_error', 1],
  ['unreachable', 'api_error', 1],
  ['too-long', 'prompt_too_long', 1],
  ['max-turns', 'max_turns', 1],
  ['budget', 'max_budget', 1],
  ['interrupted', 'crashed', 0],
  ['killed-from-outside', 'crashed', null],
  ['ends-early', 'crashed', 0],
  ['bad-option', 'start_error', 1],
  ['background-child', 'completed', 0],
  ['garbage', 'completed', 0],
])('%s ends as %s', async (scenario, ending, exitCode) => {
  const result = await run(scenario);

  expect(result).toMatchObject({ ending, exitCode });
});

test('what was said before the turns were used up is kept', async () => {
  const result = await run('max-turns');

  expect(result).toMatchObject({ summary: 'Half of it is done.', usage: { turns: 3 } });
});

test('the first refused key ends the run, long before the retries are over', async () => {
  const result = await run('unauthorized-retries');

  expect(result.ending).toBe('auth_error');
  expect(result.detail).toContain('renew the key');
  expect(result.events).toEqual([
    { kind: 'warning', text: "The model's service failed (401), retry 1 of 4" },
  ]);
  expect(result.ms).toBeLessThan(10_000);
});

test.each([
  ['hook', 'SessionStart:startup'],
  ['mcp-server', 'thief'],
])('a %s that starts all the same raises an alarm and ends the run', async (scenario, what) => {
  const result = await run(scenario);

  expect(result.ending).toBe('config_error');
  expect(result.detail).toContain('ALARM');
  expect(result.detail).toContain(what);
});

test('silence ends the run, and the child in its own session with it', async () => {
  const result = await run('silent', { idleMs: 500 });

  expect(result).toMatchObject({ ending: 'idle', exitCode: null });
  expect(result.detail).toContain('nothing was heard');
});

test('the time limit ends a busy run, and tells what was used until then', async () => {
  const result = await run('busy', { maxMs: 2500, idleMs: 2000 });

  expect(result).toMatchObject({ ending: 'timeout', usage: { costUsd: null } });
  expect(result.usage.turns).toBeGreaterThan(3);
  expect(result.usage.inputTokens).toBe(result.usage.turns * 1500);
  expect(result.summary).toMatch(/^step \d+$/);
});

test('who stays after the result is ended, and the work counts', async () => {
  const result = await run('never-ends', {}, { afterResultMs: 300 });

  expect(result).toMatchObject({ ending: 'completed', summary: 'Fixed add(): it subtracted.' });
  expect(result.ms).toBeLessThan(10_000);
});

test('cancelling ends even a program that is deaf to SIGTERM, with its child', async () => {
  const stop = new AbortController();
  const running = run('deaf', { signal: stop.signal }, { killGraceMs: 300 });
  await vi.waitUntil(() => processesWith(family).length === 2, { timeout: 10_000 });

  stop.abort();

  expect(await running).toMatchObject({ ending: 'cancelled', exitCode: null });
});

test('a task that is cancelled before it starts starts nothing', async () => {
  const record = join(folders.root, 'calls');
  const result = await run(
    'success',
    { signal: AbortSignal.abort() },
    { env: { FAKE_CLAUDE_RECORD: record } },
  );

  expect(result.ending).toBe('cancelled');
  expect(existsSync(record)).toBe(false);
});

test('a flood of output with endless lines is survived', async () => {
  const result = await run('flood');

  expect(result.ending).toBe('completed');
});

test('the key is in nothing that is shown, neither whole nor taken apart by control characters', async () => {
  const { ms: _ms, ...shown } = await run('leak');

  expect(JSON.stringify(shown)).not.toContain(KEY);
  expect(JSON.stringify(shown)).not.toContain(KEY.slice(9));
  expect(shown.events.filter(({ text }) => text.includes('***'))).toHaveLength(3);
  expect(shown.detail).toContain('***');
});

test('what wraps the command gets it with its environment and folders, and has the last word', async () => {
  const result = await run(
    'success',
    {},
    {
      wrap: (command, env, { workspace }) => ({
        command: [
          process.execPath,
          '-e',
          `console.log(JSON.stringify({type:'system',subtype:'init',session_id:'w',model:process.argv[1]}))`,
          command[0] ?? '',
          workspace,
        ],
        env: { PATH: env['PATH'] ?? '' },
      }),
    },
  );

  expect(result).toMatchObject({ ending: 'crashed', session: 'w', model: FAKE });
});

test('a wrapper that fails keeps the agent from starting', async () => {
  const record = join(folders.root, 'calls');
  const result = await run(
    'success',
    {},
    { env: { FAKE_CLAUDE_RECORD: record }, wrap: () => Promise.reject(new Error('no sandbox here')) },
  );

  expect(result).toMatchObject({ ending: 'start_error', detail: 'no sandbox here' });
  expect(existsSync(record)).toBe(false);
});

test('without credentials nothing is started', async () => {
  const result = await run('success', {}, { machineEnv: { PATH: process.env['PATH'] } });

  expect(result).toMatchObject({ ending: 'auth_error', exitCode: null });
});

test('the login of the machine pays when there is no key', async () => {
  const record = join(folders.root, 'calls');
  await writeFile(
    join(folders.root, '.credentials.json'),
    JSON.stringify({ claudeAiOauth: { accessToken: 'login-token', refreshToken: 'refresh-token' } }),
  );

  await run(
    'success',
    {},
    {
      machineEnv: { PATH: process.env['PATH'] },
      configFolder: folders.root,
      env: { FAKE_CLAUDE_RECORD: record },
    },
  );

  const call = await readFile(record, 'utf8');
  expect((JSON.parse(call) as { env: object }).env).toMatchObject({ CLAUDE_CODE_OAUTH_TOKEN: 'login-token' });
  expect(call).not.toContain('refresh-token');
});

test('a program that is gone is an ending, not an exception', async () => {
  const result = await run('success', {}, { executable: '/nowhere/claude' });

  expect(result).toMatchObject({ ending: 'start_error', exitCode: null });
});

test('preflight tells the version', async () => {
  expect(await anAgent('success').preflight()).toEqual({ ok: true, version: '2.1.330' });
  expect(await anAgent('success', { version: '2.1' }).preflight()).toMatchObject({ ok: true });
  expect(await anAgent('success', { version: '2.1.330' }).preflight()).toMatchObject({ ok: true });
});

test.each<[string, Partial<ClaudeCodeOptions>, string, string]>([
  ['no program', { executable: 'no-such-claude' }, 'no program no-such-claude', 'npm install'],
  ['another version', { version: '2.1.33' }, '2.1.330, but 2.1.33', '@2.1.33'],
  [
    'an old version',
    { env: { FAKE_CLAUDE_HELP: '--setting-sources --tools' } },
    '--restricted',
    'npm install',
  ],
  ['another program', { executable: '/bin/true' }, 'is not Claude Code', 'npm install'],
  ['no credentials', { machineEnv: { PATH: process.env['PATH'] } }, 'no credentials', 'ANTHROPIC_API_KEY'],
  [
    'a login that is not there',
    { machineEnv: { PATH: process.env['PATH'] }, configFolder: '/nowhere' },
    'cannot be read',
    'claude setup-token',
  ],
])('preflight with %s says what is wrong and what to do', async (_what, options, reason, fix) => {
  expect(await anAgent('success', options).preflight()).toEqual({
    ok: false,
    reason: expect.stringContaining(reason),
    fix: expect.stringContaining(fix),
  });
});

test('isolated, it gets a token of the run and a socket instead of key and network', async () => {
  const seen: { env: Record<string, string>; needs: LaunchNeeds }[] = [];
  const result = await run(
    'success',
    {},
    {
      isIsolated: true,
      env: { ANTHROPIC_BASE_URL: 'https://models.example.com', ANTHROPIC_AUTH_TOKEN: 'other-secret-9876' },
      wrap: (command, env, needs) => {
        seen.push({ env, needs });
        return { command, env };
      },
    },
  );

  expect(result.ending).toBe('completed');
  expect(seen[0]?.env).toMatchObject({
    ANTHROPIC_BASE_URL: 'http://model.local',
    ANTHROPIC_UNIX_SOCKET: '/run/yardmaster/model.sock',
    ANTHROPIC_AUTH_TOKEN: expect.stringMatching(/^[\w-]{40,}$/),
  });
  expect(JSON.stringify(seen[0]?.env)).not.toMatch(new RegExp(`${KEY}|other-secret|models.example.com`));
  expect(seen[0]?.needs).toMatchObject({
    network: 'none',
    programs: [FAKE],
    sockets: [{ inside: '/run/yardmaster/model.sock' }],
  });
  expect(existsSync(seen[0]?.needs.sockets[0]?.file ?? ''), 'the socket is gone with the run').toBe(false);
});

test('isolated, it can’t sign in to a cloud by itself, and says what to do', async () => {
  const options = {
    isIsolated: true,
    env: { CLAUDE_CODE_USE_BEDROCK: '1' },
    machineEnv: { PATH: process.env['PATH'] },
  };

  expect(await anAgent('success', options).preflight()).toMatchObject({
    ok: false,
    fix: expect.stringContaining('network: true'),
  });
  expect(await run('success', {}, options)).toMatchObject({ ending: 'config_error' });
});
