import { expect, test } from 'vitest';
import { pino } from 'pino';
import { systemClock } from '../../../src/lib/clock.ts';
import { AgentsConfig } from '../../../src/runner/agents/agents-config.ts';
import { chooseAgent } from '../../../src/runner/agents/choose-agent.ts';
import { createAgents } from '../../../src/runner/agents/create-agents.ts';

const CLAUDE_CODE = { version: 'latest', configPath: null, executable: null };

function create(options: {
  agents?: unknown;
  defaultAgent?: string | null;
  claudeCode?: Partial<Record<'configPath' | 'executable', string>>;
}) {
  return createAgents({
    agents: AgentsConfig.parse(options.agents ?? {}),
    defaultAgent: options.defaultAgent ?? null,
    claudeCode: { ...CLAUDE_CODE, ...options.claudeCode },
    machineEnv: { PATH: process.env['PATH'] },
    log: pino({ level: 'silent' }),
    clock: systemClock,
  });
}

const SCRIPTED = { kind: 'command', command: ['true'] };

test.each([
  ['nothing', {}, ['claude'], 'claude'],
  ['one other agent', { agents: { codex: SCRIPTED } }, ['codex'], 'codex'],
  ['two agents', { agents: { b: SCRIPTED, a: SCRIPTED } }, ['b', 'a'], 'b'],
  ['a default', { agents: { b: SCRIPTED, a: SCRIPTED }, defaultAgent: 'a' }, ['b', 'a'], 'a'],
  ['Claude Code as default', { agents: { b: SCRIPTED }, defaultAgent: 'claude' }, ['b', 'claude'], 'claude'],
  [
    'Claude Code described too',
    { agents: { b: SCRIPTED }, claudeCode: { configPath: '/x' } },
    ['b', 'claude'],
    'b',
  ],
  ['another claude', { agents: { claude: SCRIPTED } }, ['claude'], 'claude'],
])('with %s configured', (_what, options, names, defaultName) => {
  const agents = create(options);

  expect([...agents.byName.keys()]).toEqual(names);
  expect(agents.defaultName).toBe(defaultName);
  expect([...agents.byName.values()].map((agent) => agent.name)).toEqual(names);
});

test('a default that is not there is an error that names what is', () => {
  expect(() => create({ agents: { b: SCRIPTED }, defaultAgent: 'c' })).toThrow('"c" is not one of b');
});

test('a repository gets what it asks for, or the default, or the reason', () => {
  const agents = create({ agents: { b: SCRIPTED, a: SCRIPTED } });

  expect(chooseAgent(agents, 'a')).toMatchObject({ ok: true, agent: { name: 'a' } });
  expect(chooseAgent(agents, null)).toMatchObject({ ok: true, agent: { name: 'b' } });
  expect(chooseAgent(agents, 'claude')).toEqual({
    ok: false,
    reason: 'The agent "claude" is not configured on this runner; it has b, a',
  });
});

test('the settings of claude_code reach the agent of that name and those of its kind', async () => {
  const agents = create({
    agents: { cautious: { kind: 'claude', model: 'haiku' } },
    claudeCode: { executable: 'no-such-claude' },
  });

  const answers = await Promise.all([...agents.byName.values()].map((agent) => agent.preflight()));

  expect(answers).toHaveLength(2);
  for (const answer of answers) {
    expect(answer).toMatchObject({ ok: false, reason: 'There is no program no-such-claude here' });
  }
});

test.each([
  ['a name with a space', { 'my agent': SCRIPTED }],
  ['an unknown kind', { a: { kind: 'robot' } }],
  ['a misspelt key', { a: { kind: 'claude', modle: 'x' } }],
  ['no program', { a: { kind: 'command', command: [] } }],
  ['a program of the workspace', { a: { kind: 'command', command: ['./agent.sh'] } }],
  ['a shell line', { a: { kind: 'command', command: 'agent --fast' } }],
  ['a strange variable', { a: { kind: 'claude', env: { 'A=B': 'c' } } }],
])('%s is refused', (_what, agents) => {
  expect(AgentsConfig.safeParse(agents).success).toBe(false);
});
