import {
  MAX_MAIL_BYTES,
  MAX_MAIL_CHARACTERS,
  MAX_MAIL_LOG_BYTES,
  type Order,
  ORDER_VERBS,
  parseOrderLine,
  REPORT_KIND,
  ReportMail,
} from '../../../contract/check-run-mail.ts';
import type { RunnerFacts, TokenPurpose } from '../../../contract/runner-api.ts';
import { toActions } from '../../../domain/check-run-buttons.ts';
import type { CheckRunContent } from '../../../domain/check-run-content.ts';
import { fitResult } from '../../../domain/fit-mail.ts';
import { explainWithheldLog } from '../../../domain/log-text.ts';
import { toFence } from '../../../domain/markdown-escape.ts';
import { tokenPermissions } from '../../../domain/token-permissions.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import {
  type MessageKey,
  readSignedBlock,
  readSignedLine,
  toSignedBlock,
} from '../../../lib/signed-message.ts';
import { TransportError } from '../transport-error.ts';
import type { AppClient } from './app-client.ts';
import { CheckRun } from './read-offer.ts';
import { type AttemptPlace, toContext } from './place.ts';

const GET_RUN = 'GET /repos/{owner}/{repo}/check-runs/{check_run_id}';
const PATCH_RUN = 'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}';
const REPORT_TITLE = 'For the coordinator (machine-readable)';
const RENEW_TOKEN_BEFORE_MS = 5 * 60_000;
/** Of the log, for people, below the message. */
const MAX_LOG_SHOWN = 3000;

/** What the coordinator says in the check run. */
export type Standing =
  /** Its newest order to this very process. */
  | { kind: 'ordered'; order: Order }
  /** Nothing to us: not yet, or not any more. */
  | { kind: 'unordered'; why: string }
  /** It is over: somebody has said the last word. */
  | { kind: 'completed' };

type State = Omit<ReportMail, 'runnerId' | 'attemptId' | 'epoch' | 'nonce' | 'number'>;

/** One attempt's check run, as a letterbox: our newest report in it, and the coordinator's newest order. */
export type AttemptMail = {
  place: AttemptPlace;
  /** One look; throws `TransportError`. What was ordered before and is not seen now (written over, replayed) does not come back. */
  look(signal: AbortSignal): Promise<Standing>;
  /** The check run itself, read anew. */
  readRun(signal: AbortSignal): Promise<CheckRun>;
  /** Changes what the next report says. */
  set(change: Partial<State>): void;
  state(): Readonly<State>;
  /** Adds to the live log, of which the newest part goes along with each report. */
  addLog(offset: number, text: string): void;
  /** Writes the report as it is now, with what people are to see. One try; throws `TransportError`. Never two at once. */
  write(content: CheckRunContent, signal: AbortSignal): Promise<void>;
  /** After a restart: goes on counting where this process's predecessor stopped. True when the end was reported already. */
  resume(signal: AbortSignal): Promise<boolean>;
  /** A token for the check run and for reading the repository. */
  workingToken(signal: AbortSignal): Promise<{ token: string; expiresInSeconds: number }>;
  /** A token that can write the repository. */
  publishToken(signal: AbortSignal): Promise<{ token: string; expiresInSeconds: number }>;
  /** Ends all tokens of the attempt. Never throws. */
  dispose(signal: AbortSignal): Promise<void>;
};

export function createAttemptMail(
  place: AttemptPlace,
  deps: {
    client: AppClient;
    runnerId: ReportMail['runnerId'];
    facts: RunnerFacts;
    key: MessageKey;
    clock: Clock;
    log: Logger;
  },
): AttemptMail {
  const { client, clock, key, log } = deps;
  const { owner, repo, checkRunId, epoch, nonce } = place;
  const path = { owner, repo, check_run_id: checkRunId };
  const tokens: string[] = [];
  let working: { token: string; endsAtMs: number } | null = null;
  let number = 0;
  let state: State = {
    facts: deps.facts,
    phase: 'prepare',
    started: false,
    publishCommit: null,
    log: { offset: 0, text: '' },
    declined: null,
    result: null,
  };
  let newest: Order | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  return {
    place,
    look: async (signal) => {
      const { token } = await workingToken(signal);
      const { data } = await client.readAgain({ token }, GET_RUN, path, signal);
      return judge(CheckRun.parse(data));
    },
    readRun,
    set: (change) => {
      state = { ...state, ...change };
    },
    state: () => state,
    addLog: (offset, text) => {
      const bytes = Buffer.concat([Buffer.from(state.log.text), Buffer.from(text)]);
      const end = offset + Buffer.byteLength(text);
      const kept = lastCharacters(bytes, MAX_MAIL_LOG_BYTES);
      state = { ...state, log: { offset: end - kept.length, text: kept.toString('utf8') } };
    },
    write: (content, signal) => {
      const next = turn.catch(() => undefined).then(() => write(content, signal));
      turn = next;
      return next;
    },
    resume: async (signal) => {
      const run = await readRun(signal);
      const report = readReport(run);
      if (report === null) return false;
      const { facts: _, runnerId: _runner, attemptId: _attempt, epoch: _epoch, ...said } = report;
      number = said.number;
      state = { ...state, ...said };
      return run.status === 'completed' && report.result !== null;
    },
    workingToken,
    publishToken: (signal) => mint('publish', signal),
    dispose: async (signal) => {
      const ended = tokens.splice(0);
      working = null;
      client.forget(GET_RUN, path);
      await Promise.all(ended.map((token) => client.revoke(token, signal)));
    },
  };

  async function readRun(signal: AbortSignal): Promise<CheckRun> {
    const { token } = await workingToken(signal);
    return CheckRun.parse((await client.send({ token }, GET_RUN, path, signal)).data);
  }

  function judge(run: CheckRun): Standing {
    if (run.status === 'completed') return { kind: 'completed' };
    const order = readOrder(run.external_id ?? '');
    // What was ordered before still holds: the coordinator writes its order anew.
    if (order === 'forged' && newest !== null) return { kind: 'ordered', order: newest };
    if (order === null || order === 'forged')
      return { kind: 'unordered', why: 'the coordinator has taken it back' };
    if (order.epoch !== epoch) return { kind: 'unordered', why: 'it was offered anew since' };
    if (order.nonce !== nonce) return { kind: 'unordered', why: 'another process has it' };
    // Somebody who can write check runs could put an order back that was given before.
    if (newest === null || ORDER_VERBS.indexOf(order.verb) >= ORDER_VERBS.indexOf(newest.verb))
      newest = order;
    return { kind: 'ordered', order: newest };
  }

  function readOrder(externalId: string): Order | 'forged' | null {
    const prefix = `${place.jobId}:${place.attemptId}:`;
    if (!externalId.startsWith(prefix)) return null;
    const line = readSignedLine(externalId.slice(prefix.length), toContext(place), key);
    if (line === null)
      log.warn({ checkRunId }, 'An order in a check run is not signed with our key; ignored');
    return line === null ? 'forged' : parseOrderLine(line);
  }

  function readReport(run: CheckRun): ReportMail | null {
    const expected = { kind: REPORT_KIND, context: toContext(place), maxBytes: MAX_MAIL_BYTES };
    const block = readSignedBlock(run.output.text ?? '', expected, key);
    const report = ReportMail.safeParse(block.ok ? block.value : null);
    return report.success && report.data.nonce === nonce && report.data.epoch === epoch ? report.data : null;
  }

  async function write(content: CheckRunContent, signal: AbortSignal): Promise<void> {
    const { status, conclusion, title, summary, buttons } = content;
    // Counted before it is sent: one whose answer is lost may have arrived.
    number += 1;
    const { token } = await workingToken(signal);
    await client.send(
      { token },
      PATCH_RUN,
      {
        ...path,
        status,
        ...(conclusion === undefined ? {} : { conclusion }),
        output: { title, summary, text: toText() },
        ...(buttons === undefined ? {} : { actions: toActions(buttons) }),
      },
      signal,
    );
  }

  /** The report, and below it for people the end of the log, if it is for everybody; in all never more than GitHub takes. */
  function toText(): string {
    if (state.result !== null && explainWithheldLog(state.result) !== null) return toMessage();
    const shown = state.log.text.slice(-MAX_LOG_SHOWN);
    const forPeople = shown === '' ? '' : `\n\n### The end of the log\n\n${toFence(shown, MAX_LOG_SHOWN)}`;
    return `${toMessage()}${forPeople}`;
  }

  function toMessage(): string {
    const whole = encode(state);
    const { result } = state;
    if (whole.length <= MAX_MAIL_CHARACTERS || result === null) return whole;
    const { offset, text } = state.log;
    const withoutLog = { offset: offset + Buffer.byteLength(text), text: '' };
    const cut = { ...state, log: withoutLog };
    const fitted = fitResult(result, (candidate) => {
      return encode({ ...cut, result: candidate }).length <= MAX_MAIL_CHARACTERS;
    });
    if (fitted !== result) log.warn({ checkRunId }, 'The report is too long for the check run and was cut');
    return encode({ ...cut, result: fitted });
  }

  function encode(said: State): string {
    const { attemptId } = place;
    const value: ReportMail = { ...said, runnerId: deps.runnerId, attemptId, epoch, nonce, number };
    return toSignedBlock({ kind: REPORT_KIND, context: toContext(place), title: REPORT_TITLE, value }, key);
  }

  async function workingToken(signal: AbortSignal): Promise<{ token: string; expiresInSeconds: number }> {
    const nowMs = clock.monotonicMs();
    if (
      working !== null &&
      (!client.isAlive(working.token) || working.endsAtMs - nowMs < RENEW_TOKEN_BEFORE_MS)
    )
      working = null;
    if (working === null) {
      const { token, expiresInSeconds } = await mint('run', signal);
      working = { token, endsAtMs: nowMs + expiresInSeconds * 1000 };
    }
    return { token: working.token, expiresInSeconds: (working.endsAtMs - nowMs) / 1000 };
  }

  async function mint(
    purpose: TokenPurpose,
    signal: AbortSignal,
  ): Promise<{ token: string; expiresInSeconds: number }> {
    const permissions = tokenPermissions(purpose, { private: place.isPrivate });
    const scope = { repositoryId: place.repositoryId, permissions };
    const minted = await client.mint(place.installationId, scope, signal);
    tokens.push(minted.token);
    return minted;
  }
}

/** The last `length` bytes at the most, beginning with a whole character. */
function lastCharacters(bytes: Buffer, length: number): Buffer {
  let start = Math.max(0, bytes.length - length);
  while (start < bytes.length && ((bytes[start] ?? 0) & 0b1100_0000) === 0b1000_0000) start += 1;
  return bytes.subarray(start);
}

/** What a look came to, for who can only go on with an order of its own. Throws when the attempt is not ours. */
export function toOrder(standing: Standing): Order {
  if (standing.kind === 'ordered') return standing.order;
  const why = standing.kind === 'completed' ? 'its check run is completed' : standing.why;
  throw new TransportError('stale_attempt', `This attempt is not ours any more: ${why}.`);
}
