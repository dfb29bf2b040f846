import { describe, expect, test } from 'vitest';
import type { RunnerId } from '../../src/contract/identifiers.ts';
import { chooseRunner, type RunnerQuestion } from '../../src/domain/choose-runner.ts';
import type { RunnerView } from '../../src/domain/job.ts';
import { NOON_MS } from '../support/job-builders.ts';
import { aRunnerView } from '../support/runner-builders.ts';

function aRunner(name: string, overrides: Partial<RunnerView> = {}): RunnerView {
  return aRunnerView(name, {
    capabilities: ['node:22', 'python', 'agent:claude'],
    active: 0,
    lastSeenAtMs: Date.UTC(2026, 4, 4, 11, 58),
    ...overrides,
  });
}

function choose(runners: RunnerView[], question: Partial<RunnerQuestion> = {}) {
  return chooseRunner({
    specialty: 'backend',
    needs: [],
    agent: null,
    runners,
    nowMs: NOON_MS,
    avoid: new Set(),
    ...question,
  });
}

describe('who gets a job', () => {
  test.each<[name: string, runners: RunnerView[], question: Partial<RunnerQuestion>, chosen: string]>([
    ['the only one', [aRunner('a')], {}, 'a'],
    [
      'the least loaded by share of its slots, not by count',
      [aRunner('a', { capacity: 2, active: 1 }), aRunner('b', { capacity: 8, active: 3 })],
      {},
      'b',
    ],
    [
      'at equal load, who has the repository',
      [aRunner('a'), aRunner('b')],
      { warm: new Set(['b' as RunnerId]) },
      'b',
    ],
    [
      'of a pull request, who knows how to rework it, even if busier',
      [aRunner('a', { protocol: '1.1' }), aRunner('b', { protocol: '1.2', active: 1 })],
      { kind: 'revise' },
      'b',
    ],
    [
      'of a pull request, also who only reaches GitHub, and tells no version',
      [aRunner('a', { transport: 'github' })],
      { kind: 'revise' },
      'a',
    ],
    ['an issue, whatever its version', [aRunner('a', { protocol: '1.1' })], {}, 'a'],
    [
      'who has an agent that works, even if busier',
      [aRunner('a', { capabilities: ['node:22'] }), aRunner('b', { active: 1 })],
      {},
      'b',
    ],
    [
      'who has the agent that the settings name',
      [aRunner('a'), aRunner('b', { capabilities: ['agent:house'] })],
      { agent: 'house' },
      'b',
    ],
    [
      'who has one to fall back to, where nobody has the first',
      [aRunner('a'), aRunner('b', { capabilities: ['agent:codex'] })],
      { agent: 'house', otherAgents: ['codex'] },
      'b',
    ],
    [
      'who has the agent that is named first, even if busier',
      [aRunner('a', { capabilities: ['agent:codex'] }), aRunner('b', { active: 1 })],
      { agent: 'claude', otherAgents: ['codex'] },
      'b',
    ],
    [
      'load goes before a warm mirror',
      [aRunner('a'), aRunner('b', { active: 1 })],
      { warm: new Set(['b' as RunnerId]) },
      'a',
    ],
    [
      'then who has been idle the longest',
      [aRunner('a', { lastAssignedAtMs: 9 }), aRunner('b', { lastAssignedAtMs: 5 })],
      {},
      'b',
    ],
    [
      'never one that was just passed over',
      [aRunner('a'), aRunner('b', { active: 1 })],
      { avoid: new Set(['a' as RunnerId]) },
      'b',
    ],
    [
      'one on which it failed only if there is no other',
      [aRunner('a'), aRunner('b', { active: 1 })],
      { lastChoice: new Set(['a' as RunnerId]) },
      'b',
    ],
    ['and then it does', [aRunner('a')], { lastChoice: new Set(['a' as RunnerId]) }, 'a'],
    [
      'nor does one that is not fit for work keep it waiting',
      [aRunner('a'), aRunner('b', { quarantinedUntilMs: NOON_MS + 1000 }), aRunner('c', { state: 'gone' })],
      { lastChoice: new Set(['a' as RunnerId]) },
      'a',
    ],
    [
      'a bare need is met by any version',
      [aRunner('a', { capabilities: [] }), aRunner('b', { active: 1 })],
      { needs: ['node'] },
      'b',
    ],
    [
      'who has more than one specialty serves each',
      [aRunner('a', { specialties: ['api', 'backend'] })],
      {},
      'a',
    ],
  ])('%s', (_name, runners, question, chosen) => {
    expect(choose(runners, question)).toMatchObject({ kind: 'chosen', runner: { name: chosen } });
  });

  test('whoever asks, the answer is the same', () => {
    const runners = [aRunner('b'), aRunner('a')];

    expect(choose(runners)).toMatchObject({ runner: { name: 'a' } });
    expect(choose(runners.toReversed())).toMatchObject({ runner: { name: 'a' } });
  });
});

describe('why nobody gets it', () => {
  test.each<
    [name: string, runners: RunnerView[], question: Partial<RunnerQuestion>, code: string, reason: string]
  >([
    [
      'nobody is registered',
      [],
      {},
      'no_specialty',
      'No runner has the specialty `backend`. No runner is registered yet: enrol one with `yardmaster runner enroll`.',
    ],
    [
      'nobody has the specialty',
      [aRunner('be-1', { specialties: ['api', 'backend'] }), aRunner('fe-1', { specialties: ['frontend'] })],
      { specialty: 'devops' },
      'no_specialty',
      'No runner has the specialty `devops`. Registered: be-1 (api, backend); fe-1 (frontend).',
    ],
    [
      'a revoked one does not count',
      [aRunner('be-1', { state: 'revoked' })],
      {},
      'no_specialty',
      'No runner has the specialty `backend`. No runner is registered yet: enrol one with `yardmaster runner enroll`.',
    ],
    [
      'a pull request is to be reworked, and nobody knows how',
      [
        aRunner('be-1', { protocol: '1.1', version: '0.1.0' }),
        aRunner('be-2', { protocol: null }),
        aRunner('be-3', { protocol: '0.9', version: '0.0.9' }),
      ],
      { kind: 'revise' },
      'too_old',
      'No `backend` runner here is new enough to rework pull requests: upgrade be-1 (version 0.1.0, runner API 1.1; this takes 1.2); be-2 has not told yet which version it is; upgrade be-3 (version 0.0.9, runner API 0.9; this takes 1.2).',
    ],
    [
      'nobody has an agent that works',
      [aRunner('be-1', { capabilities: ['node:22'] })],
      {},
      'lacks_capability',
      'No `backend` runner has all that the job needs: be-1 has the specialty but lacks an agent that can run there.',
    ],
    [
      'nobody has any of the agents that are named',
      [aRunner('be-1')],
      { agent: 'house', otherAgents: ['codex'], needs: ['docker'] },
      'lacks_capability',
      'No `backend` runner has all that the job needs: be-1 has the specialty but lacks `docker`, `agent:house` or `agent:codex`.',
    ],
    [
      'a need is not met',
      [aRunner('be-1', { capabilities: ['node:20', 'agent:claude'] })],
      { needs: ['node:22', 'docker', 'node'] },
      'lacks_capability',
      'No `backend` runner has all that the job needs: be-1 has the specialty but lacks `node:22`, `docker`.',
    ],
    [
      'nobody knows yet what the only one has',
      [
        aRunner('be-1', { state: 'gone', isAwaited: true, capabilities: [] }),
        aRunner('be-2', { capabilities: [] }),
      ],
      {},
      'not_online',
      'No `backend` runner is online: be-1 is enrolled and has not connected yet: start it with `yardmaster runner run`.',
    ],
    [
      'all are away',
      [aRunner('be-1', { state: 'gone' }), aRunner('be-2', { state: 'draining' })],
      {},
      'not_online',
      'No `backend` runner is online: be-1 is offline since 2026-05-04 11:58 UTC; be-2 is draining and takes no new work.',
    ],
    [
      'the only one is busy',
      [aRunner('be-1', { active: 1, capacity: 1 })],
      {},
      'busy',
      'The only `backend` runner that is online is busy (1 of 1 slot).',
    ],
    [
      'the one with room has just failed it, and another may do better',
      [aRunner('be-1'), aRunner('be-2', { active: 1, capacity: 1 })],
      { lastChoice: new Set(['be-1' as RunnerId]) },
      'failed_here',
      'It has just failed on be-1, so it waits a few minutes for be-2 to have room.',
    ],
    [
      'all are busy',
      [aRunner('be-1', { active: 2 }), aRunner('be-2', { active: 1, capacity: 1 })],
      {},
      'busy',
      'All 2 `backend` runners that are online are busy (3 of 3 slots).',
    ],
    [
      'the only one that is not busy takes nothing',
      [aRunner('be-1', { accepting: false }), aRunner('be-2', { active: 2, accepting: false })],
      {},
      'no_free_slot',
      'No `backend` runner takes work at the moment: be-1 reports no free slot, a pause, or too little free disk space.',
    ],
    [
      'the only one did not want it',
      [aRunner('be-1')],
      { avoid: new Set(['be-1' as RunnerId]) },
      'avoided',
      'be-1 did not take the job a moment ago; it is offered again shortly.',
    ],
  ])('%s', (_name, runners, question, code, reason) => {
    expect(choose(runners, question)).toEqual({ kind: 'none', code, reason });
  });

  test('a large fleet is not listed whole', () => {
    const runners = Array.from({ length: 12 }, (_, index) =>
      aRunner(`fe-${index}`, { specialties: ['frontend'] }),
    );

    expect(choose(runners)).toMatchObject({
      reason: expect.stringMatching(/fe-7 \(frontend\); and 4 more\.$/),
    });
  });
});
