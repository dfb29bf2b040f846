import { expect, test } from 'vitest';
import { pino } from 'pino';
import { systemClock } from '../../../src/lib/clock.ts';
import { AgentsConfig } from '../../../src/runner/agents/agents-config.ts';
import { isOutage, lineUp } from '../../../src/runner/agents/agent-line.ts';
import { AGENT_ENDINGS } from '../../../src/runner/agents/agent.ts';
import { createAgents } from '../../../src/runner/agents/create-agents.ts';

const CLAUDE_CODE = { version: 'latest', configPath: null, executable: null };

function create(options: {
  agents?: unknown;
  defaultAgents?: string[];
  claudeCode?: Partial<Record<'configPath' | 'executable', string>>;
}) {
  return createAgents({
    agents: AgentsConfig.parse(options.agents ?? {}),
    defaultAgents: options.defaultAgents ?? [],
    claudeCode: { ...CLAUDE_CODE, ...options.claudeCode },
    machineEnv: { PATH: process.env['PATH'] },
    log: pino({ level: 'silent' }),
    clock: systemClock,
  });
}

const SCRIPTED = { kind: 'command', command: ['true'] };

test.each([
  ['nothing', {}, ['claude'], ['claude']],
  ['one other agent', { agents: { codex: SCRIPTED } }, ['codex'], ['codex']],
  ['two agents', { agents: { b: SCRIPTED, a: SCRIPTED } }, ['b', 'a'], ['b']],
  ['a default', { agents: { b: SCRIPTED, a: SCRIPTED }, defaultAgents: ['a'] }, ['b', 'a'], ['a']],
  [
    'two defaults',
    { agents: { b: SCRIPTED, a: SCRIPTED }, defaultAgents: ['a', 'claude'] },
    ['b', 'a', 'claude'],
    ['a', 'claude'],
  ],
  [
    'Claude Code as default',
    { agents: { b: SCRIPTED }, defaultAgents: ['claude'] },
    ['b', 'claude'],
    ['claude'],
  ],
  [
    'Claude Code described too',
    { agents: { b: SCRIPTED }, claudeCode: { configPath: '/x' } },
    ['b', 'claude'],
    ['b'],
  ],
  ['another claude', { agents: { claude: SCRIPTED } }, ['claude'], ['claude']],
])('with %s configured', (_what, options, names, defaultNames) => {
  const agents = create(options);

  expect([...agents.byName.keys()]).toEqual(names);
  expect(agents.defaultNames).toEqual(defaultNames);
  expect([...agents.byName.values()].map((agent) => agent.name)).toEqual(names);
});

test('a default that is not there is an error that names what is', () => {
  expect(() => create({ agents: { b: SCRIPTED }, defaultAgents: ['c'] })).toThrow('"c" is not one of b');
});

test('a repository gets the agents that it names, in that order, and its model with the first; else the default ones', () => {
  const agents = create({ agents: { b: SCRIPTED, a: SCRIPTED }, defaultAgents: ['a', 'b'] });

  expect(lineUp({ agent: 'b', otherAgents: ['a'], model: 'opus' }, agents)).toEqual([
    { name: 'b', model: 'opus' },
    { name: 'a', model: null },
  ]);
  expect(lineUp({ agent: 'b', model: null }, agents)).toEqual([{ name: 'b', model: null }]);
  expect(lineUp({ agent: null, model: 'opus' }, agents)).toEqual([
    { name: 'a', model: 'opus' },
    { name: 'b', model: null },
  ]);
});

test('another agent helps only where the first, or its service, can’t be had', () => {
  expect(AGENT_ENDINGS.filter(isOutage)).toEqual([
    'auth_error',
    'rate_limited',
    'billing_error',
    'api_error',
    'start_error',
  ]);
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
  ['an unknown service', { a: { kind: 'opencode', api: 'elsewhere' } }],
  ['a protocol agent of the workspace', { a: { kind: 'acp', command: ['./agent', '--acp'] } }],
  ['a misspelt key', { a: { kind: 'claude', modle: 'x' } }],
  ['no program', { a: { kind: 'command', command: [] } }],
  ['a program of the workspace', { a: { kind: 'command', command: ['./agent.sh'] } }],
  ['a shell line', { a: { kind: 'command', command: 'agent --fast' } }],
  ['a strange variable', { a: { kind: 'claude', env: { 'A=B': 'c' } } }],
])('%s is refused', (_what, agents) => {
  expect(AgentsConfig.safeParse(agents).success).toBe(false);
});
