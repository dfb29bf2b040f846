import type { Usage } from '../../contract/attempt-result.ts';
import type { AgentEvent } from './agent.ts';
import type { ClaudeEvent, ClaudeResult } from './claude-code-events.ts';

const MAX_STDERR_LENGTH = 1000;

/** What a run has shown of itself so far. */
export type ClaudeRecord = {
  see(event: ClaudeEvent): void;
  /** A line of stderr, already without secrets. */
  seeStderr(line: string): void;
  /** For the outcome. `stderr` is its last part in one line. */
  facts(): { started: boolean; result: ClaudeResult | null; apiError: string | null; stderr: string };
  session(): string | null;
  /** The model that answers; `null` before the session began. */
  model(): string | null;
  /** The last words about the work: of the result, or said before a run that was cut short. */
  summary(): string;
  /** From the result; without one, what the single messages add up to (at least so much). */
  usage(): Usage;
};

/** Gathers the events of one run. */
export function createClaudeRecord(): ClaudeRecord {
  const tokensByMessage = new Map<string, { input: number; output: number }>();
  let started = false;
  let session: string | null = null;
  let model: string | null = null;
  let result: ClaudeResult | null = null;
  let apiError: string | null = null;
  let lastWords = '';
  let stderr = '';

  return {
    see: (event) => {
      switch (event.kind) {
        case 'init':
          started = true;
          session = event.session;
          model = event.model;
          return;
        case 'assistant':
          if (event.error !== null) {
            apiError = event.error;
            return;
          }
          // Every block of a message is an event of its own, and repeats the message's usage.
          tokensByMessage.set(event.messageId, event.tokens);
          lastWords = event.texts.join('\n') || lastWords;
          return;
        case 'result':
          result = event;
          session = event.session ?? session;
          return;
        case 'hook':
        case 'retry':
        case 'denied':
          return;
      }
    },
    seeStderr: (line) => {
      stderr = `${stderr} ${line}`.slice(-MAX_STDERR_LENGTH).trim();
    },
    facts: () => ({ started, result, apiError, stderr }),
    session: () => session,
    model: () => model,
    summary: () => (result !== null && !result.isError && result.text !== '' ? result.text : lastWords),
    usage: () => {
      if (result !== null) {
        const { tokens, costUsd, turns } = result;
        return { inputTokens: tokens.input, outputTokens: tokens.output, costUsd, turns };
      }
      const messages = [...tokensByMessage.values()];
      return {
        inputTokens: messages.reduce((sum, tokens) => sum + tokens.input, 0),
        outputTokens: messages.reduce((sum, tokens) => sum + tokens.output, 0),
        costUsd: null,
        turns: messages.length,
      };
    },
  };
}

/** What people see of an event in the live log: still as the agent wrote it. */
export function toLogEvents(event: ClaudeEvent, workspace: string): AgentEvent[] {
  switch (event.kind) {
    case 'assistant':
      return [
        ...event.texts.map((text): AgentEvent => ({
          kind: event.error === null ? 'message' : 'warning',
          text,
        })),
        ...event.tools.map(({ name, input }): AgentEvent => ({
          kind: 'tool',
          text: `${name} ${subjectOf(input, workspace)}`,
        })),
      ];
    case 'retry': {
      const why = event.status ?? event.error ?? 'no connection';
      const text = `The model's service failed (${why}), retry ${event.attempt} of ${event.maxRetries}`;
      return [{ kind: 'warning', text }];
    }
    case 'denied':
      return [{ kind: 'warning', text: `${event.tool} was denied: ${event.message}` }];
    case 'hook':
    case 'init':
    case 'result':
      return [];
    default:
      return event satisfies never;
  }
}

/** What a tool is used on: the file in the workspace, the command, the pattern. */
function subjectOf(input: Record<string, unknown>, workspace: string): string {
  const subject = ['file_path', 'command', 'pattern', 'path']
    .map((name) => input[name])
    .find((value) => typeof value === 'string');
  return (subject ?? '').replaceAll(`${workspace}/`, '');
}
