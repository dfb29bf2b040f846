import { expect, test } from 'vitest';
import { parseClaudeEvent } from '../../../src/runner/agents/claude-code-events.ts';

function parse(event: object): ReturnType<typeof parseClaudeEvent> {
  return parseClaudeEvent(JSON.stringify(event));
}

test.each([
  [''],
  ['not json'],
  ['{"type":"result"'],
  ['[]'],
  ['null'],
  ['42'],
  ['{}'],
  ['{"type":5}'],
  ['{"type":"__proto__"}'],
  ['{"type":"constructor"}'],
  ['{"type":"system","subtype":"task_started"}'],
  ['{"type":"stream_event","event":{}}'],
  ['{"type":"system","subtype":"init"}'],
  ['{"type":"result","subtype":"success"}'],
  ['{"type":"assistant","message":"text"}'],
])('%s means nothing', (line) => {
  expect(parseClaudeEvent(line)).toBeNull();
});

test('a session begins', () => {
  expect(
    parse({
      type: 'system',
      subtype: 'init',
      session_id: 's-1',
      model: 'opus',
      mcp_servers: [],
      tools: ['Bash'],
    }),
  ).toEqual({ kind: 'init', session: 's-1', model: 'opus', mcpServers: [] });
});

test.each([
  [[{ name: 'thief', status: 'connected' }], ['thief']],
  [[{}], ['unknown']],
  [{ thief: {} }, ['unknown']],
  ['thief', ['unknown']],
  [undefined, []],
])('tool servers %j are %j', (servers, expected) => {
  expect(parse({ type: 'system', subtype: 'init', session_id: 's', mcp_servers: servers })).toMatchObject({
    mcpServers: expected,
  });
});

test.each(['hook_started', 'hook_response', 'hook_progress'])('%s is a hook', (subtype) => {
  expect(parse({ type: 'system', subtype, hook_name: 'Stop' })).toEqual({ kind: 'hook', name: 'Stop' });
  expect(parse({ type: 'system', subtype })).toEqual({ kind: 'hook', name: 'unknown' });
});

test('a retry without a status is one without a connection', () => {
  const event = { type: 'system', subtype: 'api_retry', attempt: 1, max_retries: 4, error: 'unknown' };

  expect(parse({ ...event, error_status: null })).toEqual({
    kind: 'retry',
    status: null,
    error: 'unknown',
    attempt: 1,
    maxRetries: 4,
  });
  expect(parse({ ...event, error_status: 529 })).toMatchObject({ status: 529 });
});

test('a message tells its texts and tools, and skips blocks of other kinds', () => {
  const event = parse({
    type: 'assistant',
    message: {
      id: 'msg_1',
      content: [
        { type: 'thinking', thinking: 'hm' },
        { type: 'text', text: 'first' },
        null,
        { type: 'tool_use', id: 't', name: 'Edit', input: { file_path: 'a.js' } },
        { type: 'tool_use', name: 'Odd', input: 'none' },
        { type: 'text', text: 'second' },
      ],
      usage: {
        input_tokens: 3,
        cache_creation_input_tokens: 10,
        cache_read_input_tokens: 100,
        output_tokens: 7,
      },
    },
  });

  expect(event).toEqual({
    kind: 'assistant',
    messageId: 'msg_1',
    texts: ['first', 'second'],
    tools: [
      { name: 'Edit', input: { file_path: 'a.js' } },
      { name: 'Odd', input: {} },
    ],
    error: null,
    tokens: { input: 113, output: 7 },
  });
});

test('a result adds up what all models used, with the cache', () => {
  const usage = {
    inputTokens: 10,
    outputTokens: 1,
    cacheReadInputTokens: 100,
    cacheCreationInputTokens: 1000,
  };

  expect(
    parse({
      total_cost_usd: 0.5,
      modelUsage: { opus: usage, haiku: usage },
      terminal_reason: 'completed',
      is_error: false,
      num_turns: 4,
      subtype: 'success',
      api_error_status: null,
      result: 'Done.',
      session_id: 's-1',
      type: 'result',
    }),
  ).toEqual({
    kind: 'result',
    subtype: 'success',
    isError: false,
    terminalReason: 'completed',
    apiErrorStatus: null,
    text: 'Done.',
    session: 's-1',
    turns: 4,
    costUsd: 0.5,
    tokens: { input: 2220, output: 2 },
  });
});

test('in a session that goes on, only the share of this round counts', () => {
  const usage = { inputTokens: 10, outputTokens: 1, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };

  expect(
    parse({
      type: 'result',
      subtype: 'success',
      is_error: false,
      total_cost_usd: 9.5,
      modelUsage: { opus: { ...usage, inputTokens: 9000, costUSD: 9.5 } },
      model_usage_since_last_result: {
        opus: { ...usage, costUSD: 0.25 },
        haiku: { ...usage, costUSD: 0.5 },
      },
    }),
  ).toMatchObject({ costUsd: 0.75, tokens: { input: 20, output: 2 } });
});

test('a failed result tells its errors instead of a text, and survives nonsense in what is not needed', () => {
  expect(
    parse({
      type: 'result',
      subtype: 'error_max_turns',
      is_error: true,
      errors: ['Reached maximum number of turns (2)'],
      num_turns: -3,
      total_cost_usd: 'much',
      modelUsage: { opus: { inputTokens: 1.5 } },
    }),
  ).toMatchObject({
    text: 'Reached maximum number of turns (2)',
    turns: 0,
    costUsd: null,
    tokens: { input: 0, output: 0 },
    terminalReason: null,
  });
});
