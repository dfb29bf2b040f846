import { expect, test } from 'vitest';
import { AttemptProgress, AttemptResult } from '../../src/contract/attempt-result.ts';
import type { AgentResult } from '../../src/runner/agents/agent.ts';
import {
  addAgentRound,
  createAttemptRecord,
  toAttemptResult,
  toProgress,
} from '../../src/runner/attempt-record.ts';

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

test('what is told while it works adds the round under way to those before, and is within the protocol', () => {
  const record = createAttemptRecord('house');
  const usage = { inputTokens: 100, outputTokens: 7.9, costUsd: 0.25, turns: 2 };

  const atFirst = toProgress(record);
  record.meter = () => ({ usage, model: 'small\nmodel' });
  const inTheMiddle = toProgress(record);
  addAgentRound(record, { ...aRound({ ...usage, costUsd: 0.5 }), model: 'big' });
  const betweenRounds = toProgress(record);
  record.meter = () => ({ usage: { ...usage, costUsd: null }, model: null });
  const inTheNextRound = toProgress(record);

  expect(atFirst).toMatchObject({
    agent: { name: 'house', model: null },
    usage: { costUsd: null, turns: 0 },
  });
  expect(AttemptProgress.parse(inTheMiddle)).toEqual({
    agent: { name: 'house', model: 'small model' },
    usage: { inputTokens: 100, outputTokens: 7, costUsd: 0.25, turns: 2 },
  });
  expect(betweenRounds).toMatchObject({ agent: { model: 'big' }, usage: { costUsd: 0.5, turns: 2 } });
  expect(inTheNextRound).toMatchObject({ agent: { model: 'big' }, usage: { costUsd: 0.5, turns: 4 } });
});
