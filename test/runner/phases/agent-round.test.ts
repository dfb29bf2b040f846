import { expect, test } from 'vitest';
import { AGENT_ENDINGS, type AgentEnding } from '../../../src/runner/agents/agent.ts';
import { isCutShort, judgeAgentEnding } from '../../../src/runner/phases/agent-round.ts';

const EXPECTED: Record<AgentEnding, string> = {
  completed: 'goes on',
  rate_limited: 'agent_failed, may be tried again',
  api_error: 'agent_failed, may be tried again',
  crashed: 'agent_failed, may be tried again',
  idle: 'agent_failed, may be tried again',
  cancelled: 'agent_failed, may be tried again',
  max_turns: 'agent_failed',
  max_budget: 'agent_failed',
  auth_error: 'agent_failed',
  billing_error: 'agent_failed',
  config_error: 'agent_failed',
  prompt_too_long: 'agent_failed',
  start_error: 'agent_failed',
  timeout: 'timed_out',
};

const OUTAGES_FOR_GOOD: readonly AgentEnding[] = ['auth_error', 'billing_error', 'start_error'];

test.each(AGENT_ENDINGS)('an agent that ended with %s', (ending) => {
  const judged = judgeAgentEnding({ ending, detail: 'because' });

  const text =
    judged === null ? 'goes on' : `${judged.outcome}${judged.retryable ? ', may be tried again' : ''}`;
  expect(text).toBe(EXPECTED[ending]);
  expect(judged?.reason ?? 'because').toBe('because');
});

test('after others who may be back, an outage may be tried again, and a used up budget may not', () => {
  const mended = AGENT_ENDINGS.filter((ending) => {
    const result = { ending, detail: '' };
    return judgeAgentEnding(result)?.retryable === false && judgeAgentEnding(result, true)?.retryable;
  });

  expect(mended).toEqual(AGENT_ENDINGS.filter((ending) => OUTAGES_FOR_GOOD.includes(ending)));
});

test('what was cut short by a limit is kept; trouble that may pass is tried again from the start', () => {
  const kept = AGENT_ENDINGS.filter((ending) => isCutShort({ ending }));

  expect(kept).toEqual(['max_turns', 'max_budget', 'billing_error', 'prompt_too_long', 'timeout']);
  expect(kept.filter((ending) => judgeAgentEnding({ ending, detail: '' })?.retryable !== false)).toEqual([]);
});
