import { expect, test } from 'vitest';
import { AttemptResult } from '../../src/contract/attempt-result.ts';
import type { AgentResult } from '../../src/runner/agents/agent.ts';
import { addAgentRound, createAttemptRecord, toAttemptResult } from '../../src/runner/attempt-record.ts';

function aRound(usage: Partial<AgentResult['usage']>): AgentResult {
  return {
    ending: 'completed',
    detail: '',
    summary: '',
    session: null,
    usage: { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0, ...usage },
    model: null,
    exitCode: 0,
  };
}

test('whatever an agent counts, the report can be taken', () => {
  const record = createAttemptRecord('house');
  addAgentRound(record, aRound({ inputTokens: 10, outputTokens: 2.5, turns: 1 }));
  addAgentRound(record, aRound({ inputTokens: Number.MAX_SAFE_INTEGER, outputTokens: -4, turns: NaN }));
  addAgentRound(record, aRound({ inputTokens: 1e300, outputTokens: Infinity, turns: 1 }));

  const result = toAttemptResult(record, { outcome: 'no_changes', reason: 'Nothing.', retryable: false });

  expect(AttemptResult.parse(result).usage).toEqual({
    inputTokens: Number.MAX_SAFE_INTEGER,
    outputTokens: 2,
    costUsd: null,
    turns: 2,
  });
});
