import { expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { createAgents } from '../../../src/runner/agents/create-agents.ts';
import { parseRunnerConfig } from '../../../src/runner/config.ts';
import { NO_SANDBOX } from '../../../src/runner/sandbox/sandbox.ts';
import { readStatus } from '../../../src/runner/control/read-status.ts';
import type { RunnerId } from '../../../src/contract/identifiers.ts';
import { aRunnerKey, aRunnerStatus, someRunnerFacts } from '../../support/runner-builders.ts';
import { createTestLogger } from '../../support/test-logger.ts';

const FREE = 50 * 1024 ** 3;
const AWAY = { connected: false, lastAnswerAtMs: null, trouble: 'connect ECONNREFUSED' };

test.each([
  ['all it needs', {}, 'ready', /^nothing$/],
  ['too little room', { freeDiskBytes: 1 }, 'unable', /^too little free disk space$/],
  ['no agent', { capabilities: ['node:24'] }, 'unable', /^no agent can run here \(claude\); .*runner doctor/],
  ['no contact', { capabilities: [], contact: AWAY }, 'connecting', /^no contact: connect ECONNREFUSED$/],
  ['a pause', { paused: { sinceMs: 0, reason: null }, capabilities: [] }, 'paused', /^it is paused/],
])('a runner with %s says so', async (_, situation, state, reason) => {
  const { capabilities, contact, paused, freeDiskBytes } = { ...aRunnerStatus(), ...ABLE, ...situation };
  const config = someConfig();
  const agents = createAgents({
    ...config,
    sandbox: NO_SANDBOX,
    machineEnv: {},
    log: createTestLogger(),
    clock: systemClock,
  });

  const status = await readStatus({
    settings: {
      config: () => config,
      agents: () => agents,
      facts: () => someRunnerFacts({ capabilities }),
      state: () => aRunnerStatus().settings,
    },
    identity: { kind: 'coordinator', runnerId: 'r' as RunnerId, key: aRunnerKey('http://127.0.0.1:1') },
    version: '1.0.0',
    pid: 1,
    startedAtMs: 0,
    sandbox: { kind: 'none' },
    loop: { attempts: () => [], isDraining: () => false },
    pause: { current: () => paused },
    contact: { state: () => contact },
    history: { list: () => [] },
    late: { waiting: () => [] },
    freeDiskBytes: async () => freeDiskBytes ?? 0,
    minFreeDiskBytes: FREE / 2,
    diskUse: () => null,
    healthUrl: () => null,
  });

  expect(status.state).toBe(state);
  expect(status.notReady ?? 'nothing').toMatch(reason);
});

const ABLE = { capabilities: ['node:24', 'agent:claude'], freeDiskBytes: FREE };

function someConfig() {
  const text =
    'agent_id: be-1\ncoordinator_url: http://127.0.0.1:1\nspecialties: [backend]\nworkspace_root: /work\n';
  const sources = {
    file: 'runner.yml',
    variables: {},
    machine: { hostname: 'here', homeFolder: '/home/me' },
  };
  const reading = parseRunnerConfig(text, sources);
  if (!reading.ok) throw new Error(reading.problems.join('\n'));
  return reading.config;
}
