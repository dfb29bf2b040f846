import { expect, test } from 'vitest';
import type { AgentEnding } from '../../../src/runner/agents/agent.ts';
import type { ClaudeResult } from '../../../src/runner/agents/claude-code-events.ts';
import { decideClaudeOutcome } from '../../../src/runner/agents/claude-code-outcome.ts';
import type { ClaudeFacts } from '../../../src/runner/agents/claude-code-outcome.ts';

const FACTS: ClaudeFacts = {
  stop: null,
  result: null,
  apiError: null,
  started: true,
  exitCode: 0,
  signal: null,
  spawnError: null,
  stderr: '',
  maxMs: 3_600_000,
  idleMs: 600_000,
};
const DONE: ClaudeResult = {
  kind: 'result',
  subtype: 'success',
  isError: false,
  terminalReason: 'completed',
  apiErrorStatus: null,
  text: 'Fixed it.',
  session: 's',
  turns: 4,
  costUsd: 0.02,
  tokens: { input: 10, output: 5 },
};

function failed(apiErrorStatus: number | null, more: Partial<ClaudeResult> = {}): ClaudeResult {
  return { ...DONE, isError: true, terminalReason: 'api_error', text: 'the words', apiErrorStatus, ...more };
}

type Row = [situation: string, facts: Partial<ClaudeFacts>, ending: AgentEnding];

// Each row is a run that was measured; the last ones are what has no precedent.
const ROWS: Row[] = [
  ['done', { result: DONE }, 'completed'],
  ['tools denied, which ends like done', { result: { ...DONE, text: '' } }, 'completed'],
  ['an older version without a terminal reason', { result: { ...DONE, terminalReason: null } }, 'completed'],
  [
    'turns used up',
    { exitCode: 1, result: failed(null, { subtype: 'error_max_turns', terminalReason: 'max_turns' }) },
    'max_turns',
  ],
  [
    'budget used up',
    {
      exitCode: 1,
      result: failed(null, { subtype: 'error_max_budget_usd', terminalReason: 'budget_exhausted' }),
    },
    'max_budget',
  ],
  ['500', { exitCode: 1, apiError: 'server_error', result: failed(500) }, 'api_error'],
  ['529', { exitCode: 1, apiError: 'server_error', result: failed(529) }, 'api_error'],
  ['429', { exitCode: 1, apiError: 'rate_limit', result: failed(429) }, 'rate_limited'],
  ['429 without its name', { exitCode: 1, result: failed(429) }, 'rate_limited'],
  ['401', { exitCode: 1, apiError: 'authentication_failed', result: failed(401) }, 'auth_error'],
  ['401, stopped by us', { exitCode: 143, stop: { kind: 'auth_rejected', status: 401 } }, 'auth_error'],
  ['403', { exitCode: 1, apiError: 'authentication_failed', result: failed(403) }, 'auth_error'],
  ['404', { exitCode: 1, apiError: 'model_not_found', result: failed(404) }, 'config_error'],
  [
    '400 for want of credit',
    { exitCode: 1, apiError: 'billing_error', result: failed(400) },
    'billing_error',
  ],
  ['402', { exitCode: 1, apiError: 'unknown', result: failed(402) }, 'billing_error'],
  [
    '400 for another reason',
    { exitCode: 1, apiError: 'invalid_request', result: failed(400) },
    'config_error',
  ],
  [
    '400 too long',
    { exitCode: 1, apiError: 'invalid_request', result: failed(400, { terminalReason: 'prompt_too_long' }) },
    'prompt_too_long',
  ],
  [
    '413',
    { exitCode: 1, apiError: 'invalid_request', result: failed(413, { terminalReason: 'image_error' }) },
    'prompt_too_long',
  ],
  [
    'connection refused, cut or timed out',
    { exitCode: 1, apiError: 'server_error', result: failed(null) },
    'api_error',
  ],
  ['no key', { exitCode: 1, apiError: 'authentication_failed', result: failed(null) }, 'auth_error'],
  [
    'too many output tokens',
    { exitCode: 1, apiError: 'max_output_tokens', result: failed(null) },
    'api_error',
  ],
  ['a bad option', { exitCode: 1, started: false, stderr: "error: unknown option '--x'" }, 'start_error'],
  [
    'program not there',
    { exitCode: null, started: false, spawnError: { code: 'ENOENT', message: 'no such file' } },
    'start_error',
  ],
  ['SIGTERM from outside', { exitCode: 143 }, 'crashed'],
  ['SIGHUP from outside', { exitCode: 129 }, 'crashed'],
  [
    'SIGINT in a command: exit 0',
    {
      exitCode: 0,
      result: failed(null, { subtype: 'error_during_execution', terminalReason: 'aborted_tools' }),
    },
    'crashed',
  ],
  ['SIGINT in a request: exit 0 and no result', { exitCode: 0 }, 'crashed'],
  ['SIGKILL', { exitCode: null, signal: 'SIGKILL' }, 'crashed'],
  ['killed before it began', { exitCode: null, started: false, signal: 'SIGKILL' }, 'crashed'],
  [
    'a hook stopped it',
    { exitCode: 1, result: failed(null, { terminalReason: 'hook_stopped' }) },
    'config_error',
  ],
  ['success that was not completed', { result: { ...DONE, terminalReason: 'aborted_streaming' } }, 'crashed'],
  ['our time limit', { exitCode: 143, stop: { kind: 'timeout' } }, 'timeout'],
  ['our time limit before it began', { exitCode: 143, started: false, stop: { kind: 'timeout' } }, 'timeout'],
  ['our silence limit', { exitCode: 143, stop: { kind: 'idle' } }, 'idle'],
  ['cancelled', { exitCode: 143, stop: { kind: 'cancelled' } }, 'cancelled'],
  ['cancelled after the result', { exitCode: 143, stop: { kind: 'cancelled' }, result: DONE }, 'cancelled'],
  ['stayed after its result', { exitCode: 143, stop: { kind: 'after_result' }, result: DONE }, 'completed'],
  [
    'stayed after its result until the time limit',
    { signal: 'SIGKILL', exitCode: null, stop: { kind: 'timeout' }, result: DONE },
    'completed',
  ],
  [
    'stayed after a failure',
    { exitCode: 143, stop: { kind: 'after_result' }, result: failed(429) },
    'rate_limited',
  ],
  ['an alarm', { exitCode: 143, stop: { kind: 'alarm', text: 'ALARM: a hook ran' } }, 'config_error'],
  [
    'too much memory',
    { exitCode: null, signal: 'SIGKILL', stop: { kind: 'out_of_memory', text: 'It used too much.' } },
    'config_error',
  ],
  [
    'an alarm, though it got done',
    { stop: { kind: 'alarm', text: 'ALARM: a hook ran' }, result: DONE },
    'config_error',
  ],
  [
    'a status of tomorrow',
    { exitCode: 1, result: failed(599, { terminalReason: 'new_reason' }) },
    'api_error',
  ],
  [
    'a reason of tomorrow',
    { exitCode: 1, result: failed(null, { terminalReason: 'new_reason' }) },
    'crashed',
  ],
];

test.each(ROWS)('%s', (_situation, facts, ending) => {
  const decision = decideClaudeOutcome({ ...FACTS, ...facts });

  expect(decision.ending).toBe(ending);
  expect(decision.detail.length).toBeGreaterThan(10);
});

test('the detail tells the words of the service, the reason on stderr, and the limit', () => {
  const details = [
    decideClaudeOutcome({ ...FACTS, result: failed(429) }),
    decideClaudeOutcome({ ...FACTS, exitCode: 1, started: false, stderr: 'Session ID is already in use' }),
    decideClaudeOutcome({ ...FACTS, stop: { kind: 'timeout' } }),
    decideClaudeOutcome({ ...FACTS, stop: { kind: 'idle' }, idleMs: 30_000 }),
  ].map(({ detail }) => detail);

  expect(details[0]).toContain('the words');
  expect(details[1]).toContain('Session ID is already in use');
  expect(details[2]).toContain('60 minutes');
  expect(details[3]).toContain('30 seconds');
});
