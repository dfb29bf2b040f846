import type { AgentEnding } from './agent.ts';
import type { ClaudeResult } from './claude-code-events.ts';
import type { AgentStop } from './run-agent-command.ts';

/** All that is known when the process has ended. */
export type ClaudeFacts = {
  stop: AgentStop | null;
  result: ClaudeResult | null;
  /** The kind on the last `assistant` event that was about an API error. */
  apiError: string | null;
  /** Whether the session began: without it the command line was refused. */
  started: boolean;
  exitCode: number | null;
  signal: string | null;
  spawnError: { code: string; message: string } | null;
  /** The last words on stderr, in one line. */
  stderr: string;
  maxMs: number;
  idleMs: number;
};

type Decision = { ending: AgentEnding; detail: string };

/**
 * What a run of Claude Code came to. Neither the exit code (0 after SIGINT) nor `subtype: "success"` (also on API
 * errors) mean success; a result without error that was `completed` does. Our own reasons for ending the run come
 * first, except when the result had already been given.
 */
export function decideClaudeOutcome(facts: ClaudeFacts): Decision {
  if (facts.spawnError) {
    return {
      ending: 'start_error',
      detail: `Claude Code could not be started: ${facts.spawnError.message}.`,
    };
  }
  switch (facts.stop?.kind) {
    case 'alarm':
    case 'out_of_memory':
      return { ending: 'config_error', detail: facts.stop.text };
    case 'auth_rejected':
      return rejectedCredentials(`status ${facts.stop.status}`);
    case 'cancelled':
      return { ending: 'cancelled', detail: 'The run was cancelled.' };
    case 'timeout':
    case 'idle':
    case 'after_result':
    case 'model_trouble':
    case undefined:
      return facts.result ? fromResult(facts.result, facts.apiError) : withoutResult(facts);
    default:
      return facts.stop satisfies never;
  }
}

function withoutResult(facts: ClaudeFacts): Decision {
  if (facts.stop?.kind === 'timeout') {
    return {
      ending: 'timeout',
      detail: `Ended after ${inMinutes(facts.maxMs)}, the time limit; make the task smaller or the limit larger.`,
    };
  }
  if (facts.stop?.kind === 'idle') {
    return {
      ending: 'idle',
      detail: `Ended because nothing was heard of it for ${inMinutes(facts.idleMs)}.`,
    };
  }
  if (facts.signal !== null) {
    return { ending: 'crashed', detail: `Claude Code was ended from outside by ${facts.signal}.` };
  }
  const words = facts.stderr === '' ? '' : `: ${facts.stderr}`;
  if (!facts.started && facts.exitCode !== 0) {
    return { ending: 'start_error', detail: `Claude Code refused to start (exit ${facts.exitCode})${words}` };
  }
  return {
    ending: 'crashed',
    detail: `Claude Code ended without a result (exit ${facts.exitCode})${words}`,
  };
}

function fromResult(result: ClaudeResult, apiError: string | null): Decision {
  if (!result.isError && (result.terminalReason ?? 'completed') === 'completed') {
    return { ending: 'completed', detail: 'Claude Code finished its work.' };
  }
  const ending = failedEnding(result, apiError);
  const words = result.text === '' ? (result.terminalReason ?? result.subtype) : result.text;
  switch (ending) {
    case 'max_turns':
      return { ending, detail: 'The limit of turns was reached; make the task smaller or the limit larger.' };
    case 'max_budget':
      return { ending, detail: 'The budget is used up; make the task smaller or the budget larger.' };
    case 'auth_error':
      return rejectedCredentials(words);
    case 'billing_error':
      return {
        ending,
        detail: `The model's service wants to be paid; look at the account's credit: ${words}`,
      };
    case 'rate_limited':
      return { ending, detail: `The model's service limits us; try again later: ${words}` };
    case 'prompt_too_long':
      return {
        ending,
        detail: `The task is too long for the model; shorten the issue or the guidance: ${words}`,
      };
    case 'config_error':
      return {
        ending,
        detail: `The model's service refuses the request; check model and settings: ${words}`,
      };
    case 'api_error':
      return { ending, detail: `The model's service failed: ${words}` };
    case 'crashed':
      return { ending, detail: `Claude Code broke off: ${words}` };
    default:
      return ending satisfies never;
  }
}

type FailedEnding = Exclude<AgentEnding, 'completed' | 'timeout' | 'idle' | 'cancelled' | 'start_error'>;

/** By names and numbers that the command line gives, never by the words of a message. */
function failedEnding(result: ClaudeResult, apiError: string | null): FailedEnding {
  return (
    BY_SUBTYPE.get(result.subtype) ??
    BY_TERMINAL_REASON.get(result.terminalReason ?? '') ??
    BY_API_ERROR.get(apiError ?? '') ??
    BY_STATUS.get(result.apiErrorStatus ?? 0) ??
    (result.terminalReason === 'api_error' || (result.apiErrorStatus ?? 0) >= 400 ? 'api_error' : 'crashed')
  );
}

const BY_SUBTYPE = new Map<string, FailedEnding>([
  ['error_max_turns', 'max_turns'],
  ['error_max_budget_usd', 'max_budget'],
]);
const BY_TERMINAL_REASON = new Map<string, FailedEnding>([
  ['max_turns', 'max_turns'],
  ['budget_exhausted', 'max_budget'],
  ['prompt_too_long', 'prompt_too_long'],
  ['hook_stopped', 'config_error'],
]);
// A `server_error` or something new: the status, if there is one, says more.
const BY_API_ERROR = new Map<string, FailedEnding>([
  ['authentication_failed', 'auth_error'],
  ['oauth_org_not_allowed', 'auth_error'],
  ['billing_error', 'billing_error'],
  ['rate_limit', 'rate_limited'],
  ['model_not_found', 'config_error'],
]);
const BY_STATUS = new Map<number, FailedEnding>([
  [400, 'config_error'],
  [401, 'auth_error'],
  [402, 'billing_error'],
  [403, 'auth_error'],
  [404, 'config_error'],
  [413, 'prompt_too_long'],
  [429, 'rate_limited'],
]);

function rejectedCredentials(words: string): Decision {
  return {
    ending: 'auth_error',
    detail: `The model's service refuses the credentials; renew the key or token on the runner: ${words}`,
  };
}

function inMinutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`;
}
