import type { ModelFacts, ModelFailure } from '../sandbox/model-gateway.ts';
import type { AgentEnding } from './agent.ts';
import type { CliFacts } from './headless-cli.ts';
import type { AgentStop } from './run-agent-command.ts';

/** All that is known when the process has ended. */
export type CliEnd = {
  title: string;
  stop: AgentStop | null;
  facts: Pick<CliFacts, 'started' | 'finished' | 'error' | 'ending'>;
  /** As the gateway saw it; `null` = it reaches its model by itself. */
  model: Pick<ModelFacts, 'exhausted' | 'failure' | 'turns'> | null;
  exitCode: number | null;
  signal: string | null;
  spawnError: { code: string; message: string } | null;
  /** The last words on stderr, in one line. */
  stderr: string;
  maxMs: number;
  idleMs: number;
};

type Decision = { ending: AgentEnding; detail: string };

type FailureEnding = Extract<
  AgentEnding,
  'auth_error' | 'billing_error' | 'rate_limited' | 'prompt_too_long' | 'config_error' | 'api_error'
>;

/**
 * What each failure means to people, and how many in a row are an outage: the command lines themselves would go on trying for minutes, or
 * for ever. A question that is refused may be mended once or twice, such as one that was too long.
 */
const FAILURES: Readonly<Record<FailureEnding, { most: number; words: string }>> = {
  auth_error: {
    most: 1,
    words: "The model's service refuses the credentials; renew the key or token on the runner",
  },
  billing_error: {
    most: 1,
    words: "The model's service wants to be paid; look at the account's credit",
  },
  config_error: {
    most: 3,
    words: "The model's service refuses the request; check model and settings",
  },
  prompt_too_long: {
    most: 3,
    words: 'The task is too long for the model; shorten the issue or the guidance',
  },
  rate_limited: { most: 6, words: "The model's service limits us; try again later" },
  api_error: { most: 6, words: "The model's service failed" },
};

/**
 * What a run came to, for every command line that reaches its model through the gateway. What the service said counts more than what the
 * command line makes of it: their exit codes and words differ, the service's status doesn't.
 */
export function decideCliOutcome(end: CliEnd): Decision {
  const { title, stop, facts } = end;
  const model = end.model ?? { exhausted: null, failure: null, turns: null };
  if (end.spawnError) {
    return { ending: 'start_error', detail: `${title} could not be started: ${end.spawnError.message}.` };
  }
  if (stop?.kind === 'cancelled') return { ending: 'cancelled', detail: 'The run was cancelled.' };
  if (stop?.kind === 'alarm' || stop?.kind === 'out_of_memory')
    return { ending: 'config_error', detail: stop.text };
  const isOver = end.exitCode === 0 || stop?.kind === 'after_result' || stop?.kind === 'idle';
  const isDone = facts.finished && isOver && facts.ending === undefined;
  if (isDone && model.exhausted === null && (model.failure === null || facts.error === null)) {
    if (model.turns !== 0) return { ending: 'completed', detail: `${title} finished its work.` };
    return { ending: 'crashed', detail: `${title} says that it is done, but never asked its model.` };
  }
  if (model.exhausted === 'turns' || facts.ending === 'max_turns') {
    return {
      ending: 'max_turns',
      detail: 'The limit of turns was reached; make the task smaller or the limit larger.',
    };
  }
  if (model.exhausted === 'budget' || facts.ending === 'max_budget') {
    return {
      ending: 'max_budget',
      detail: 'The budget is used up; make the task smaller or the budget larger.',
    };
  }
  if (model.failure !== null) return explainFailure(model.failure);
  if (facts.ending !== undefined) {
    return { ending: facts.ending, detail: `${FAILURES[facts.ending].words}: ${facts.error ?? title}` };
  }
  if (stop?.kind === 'timeout') {
    return {
      ending: 'timeout',
      detail: `Ended after ${inMinutes(end.maxMs)}, the time limit; make the task smaller or the limit larger.`,
    };
  }
  if (stop?.kind === 'idle') {
    return {
      ending: 'idle',
      detail: `Ended because nothing was heard of it for ${inMinutes(end.idleMs)}.`,
    };
  }
  if (end.signal !== null) {
    return { ending: 'crashed', detail: `${title} was ended from outside by ${end.signal}.` };
  }
  const said = facts.error ?? end.stderr;
  const words = said === '' ? '' : `: ${said}`;
  const isRefusal = end.exitCode !== 0 || facts.error !== null;
  if (!facts.started && isRefusal && (model.turns ?? 0) === 0) {
    return { ending: 'start_error', detail: `${title} refused to start (exit ${end.exitCode})${words}` };
  }
  return { ending: 'crashed', detail: `${title} broke off (exit ${end.exitCode})${words}` };
}

/** Whether it is of no use to let the command line try again. */
export function isHopeless({ exhausted, failure, failuresInARow }: ModelFacts): boolean {
  if (exhausted !== null) return true;
  return failure !== null && failuresInARow >= FAILURES[toEnding(failure)].most;
}

function explainFailure(failure: ModelFailure): Decision {
  const words = [failure.status ?? 'no connection', ...failure.names, failure.message]
    .filter((word, index, all) => word !== '' && all.indexOf(word) === index)
    .join(' ');
  const ending = toEnding(failure);
  return { ending, detail: `${FAILURES[ending].words}: ${words}` };
}

/** By names and numbers that the service gives, never by the words of a message. */
function toEnding({ names, status }: ModelFailure): FailureEnding {
  const named = names.map((name) => BY_NAME.get(name)).find((ending) => ending !== undefined);
  return named ?? BY_STATUS.get(status ?? 0) ?? 'api_error';
}

const BY_NAME = new Map<string, FailureEnding>([
  ['insufficient_quota', 'billing_error'],
  ['billing_not_active', 'billing_error'],
  ['billing_error', 'billing_error'],
  ['invalid_api_key', 'auth_error'],
  ['API_KEY_INVALID', 'auth_error'],
  ['context_length_exceeded', 'prompt_too_long'],
  ['model_not_found', 'config_error'],
]);
const BY_STATUS = new Map<number, FailureEnding>([
  [400, 'config_error'],
  [401, 'auth_error'],
  [402, 'billing_error'],
  [403, 'auth_error'],
  [404, 'config_error'],
  [413, 'prompt_too_long'],
  [422, 'config_error'],
  [429, 'rate_limited'],
]);

function inMinutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`;
}
