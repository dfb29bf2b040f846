import { expect, test } from 'vitest';
import { createAcpConversation } from '../../../src/runner/agents/acp-conversation.ts';
import { anAgentTask } from '../../support/agent-folders.ts';

const NOWHERE = {
  root: '/w',
  workspace: '/w/project',
  home: '/w/home',
  temp: '/w/temp',
  agent: '/w/agent',
};

/** What is known of an agent's work that says to have used so much. */
function tokensOf(usage: object) {
  const task = anAgentTask({ ...NOWHERE, [Symbol.asyncDispose]: () => Promise.resolve() });
  const conversation = createAcpConversation({
    task,
    prompt: task.prompt,
    model: null,
    url: '',
    token: '',
    isSandboxed: true,
  });
  const results = [{ protocolVersion: 1 }, { sessionId: 's' }, { stopReason: 'end_turn', usage }];
  for (const [index, result] of results.entries()) {
    conversation.read(JSON.stringify({ jsonrpc: '2.0', id: index + 1, result }));
  }
  expect(conversation.facts()).toMatchObject({ finished: true, error: null });
  return conversation.facts().tokens;
}

test.each<[string, object, object]>([
  [
    'whole ones are added up',
    { inputTokens: 5, cachedReadTokens: 3, cachedWriteTokens: 2, outputTokens: 1 },
    { input: 10, output: 1 },
  ],
  [
    'fractions don’t count',
    { inputTokens: 0.5, cachedReadTokens: 3, outputTokens: 1.5 },
    { input: 3, output: 0 },
  ],
  [
    'nor does what is beyond all measure',
    { inputTokens: 1e300, outputTokens: 2e12 },
    { input: 0, output: 0 },
  ],
  ['nor what is less than nothing', { inputTokens: -1, outputTokens: '7' }, { input: 0, output: 0 }],
])('tokens by its own account: %s', (_what, usage, expected) => {
  expect(tokensOf(usage)).toEqual(expected);
});
