import { expect, test } from 'vitest';
import { planReload } from '../../src/runner/plan-reload.ts';
import type { RunnerConfig } from '../../src/runner/config.ts';
import { aRunnerConfig } from '../support/in-process-runner.ts';

const before = aRunnerConfig({ folder: '/tmp/x', coordinator: { url: 'http://c' } as never }, 'fix');

/** Each setting with another value: what is taken over at once, and what needs a restart. */
const CHANGES: readonly [string, Partial<RunnerConfig>, 'now' | 'later'][] = [
  ['specialties', { specialties: ['frontend'] }, 'now'],
  ['max_concurrent_tasks', { maxConcurrentTasks: 7 }, 'now'],
  ['claude_code.version', { claudeCode: { ...before.claudeCode, version: '2.1' } }, 'now'],
  ['claude_code.executable', { claudeCode: { ...before.claudeCode, executable: '/c' } }, 'now'],
  ['logging.level', { logging: { ...before.logging, level: 'error' } }, 'now'],
  ['agents', { agents: {} }, 'now'],
  ['default_agent', { defaultAgents: ['house'] }, 'now'],
  ['capabilities', { capabilities: { extra: ['gpu'], declared: null } }, 'now'],
  ['context', { context: { ...before.context, maxTokens: 1000 } }, 'now'],
  ['disk', { disk: { total: 1, attempt: 1 } }, 'now'],
  ['sandbox.registries', { sandbox: { ...before.sandbox, registries: false } }, 'now'],
  ['sandbox.hosts', { sandbox: { ...before.sandbox, hosts: ['a.example'] } }, 'now'],
  ['sandbox.repository_hosts', { sandbox: { ...before.sandbox, repositoryHosts: 'any' } }, 'now'],
  ['agent_id', { agentId: 'other' }, 'later'],
  ['hostname', { hostname: 'other' }, 'later'],
  ['coordinator_url', { coordinatorUrl: 'http://d' }, 'later'],
  ['workspace_root', { workspaceRoot: '/other' }, 'later'],
  ['keep_workspaces_hours', { keepWorkspacesHours: 5 }, 'later'],
  ['github', { github: { token: 't', sshKey: null } }, 'later'],
  ['claude_code.config_path', { claudeCode: { ...before.claudeCode, configPath: '/c' } }, 'later'],
  ['logging.file', { logging: { ...before.logging, file: '/l' } }, 'later'],
  ['sandbox.mode', { sandbox: { ...before.sandbox, mode: 'required' } }, 'later'],
  ['sandbox.readable', { sandbox: { ...before.sandbox, readable: ['/opt/x'] } }, 'later'],
  [
    'sandbox.limits',
    { sandbox: { ...before.sandbox, limits: { ...before.sandbox.limits, processes: 9 } } },
    'later',
  ],
  ['transport', { transport: 'github' }, 'later'],
  [
    'github_app',
    { githubApp: { appId: 1, privateKeyPath: '/k', runnerId: 'r' as never, apiUrl: 'u', pollSeconds: 1 } },
    'later',
  ],
  ['health', { health: { host: '127.0.0.1', port: 1 } }, 'later'],
  ['key_file', { keyFile: '/k' }, 'later'],
];

test('no setting is forgotten', () => {
  const changed = new Set(CHANGES.flatMap(([, change]) => Object.keys(change)));

  expect([...changed].sort()).toEqual(Object.keys(before).sort());
});

test.each(CHANGES)('%s', (key, change, when) => {
  const wanted = { ...before, ...change };

  const plan = planReload(before, wanted);

  expect(plan).toEqual({
    config: when === 'now' ? wanted : before,
    changed: when === 'now' ? [key] : [],
    needsRestart: when === 'later' ? [key] : [],
  });
});

test('what needs a restart is said for as long as it differs', () => {
  const wanted = { ...before, agentId: 'other' };

  const again = planReload(planReload(before, wanted).config, wanted);

  expect(again.needsRestart).toEqual(['agent_id']);
});
