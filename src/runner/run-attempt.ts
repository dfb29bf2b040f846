import path from 'node:path';
import type { AttemptId, AttemptResult, JobId, Phase } from '../contract/job.ts';
import type { DeclineReason, RunnerRequest } from '../contract/runner-api.ts';
import { toProgressCheckRun, toResultCheckRun } from '../domain/check-run-text.ts';
import type { Timings } from '../domain/timings.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createRedactor } from '../lib/redact.ts';
import { createSecret } from '../lib/secret.ts';
import { stripControl } from '../lib/strip-control.ts';
import { toError } from '../lib/to-error.ts';
import { findAttemptProcesses } from './attempt-processes.ts';
import { createAttemptRecord, type Ending, toAttemptResult } from './attempt-record.ts';
import { AttemptStopped, type AttemptStop } from './attempt-stop.ts';
import { createCheckRunReporter } from './check-run.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createJobTokens } from './job-tokens.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { createLogUpload, type LogUpload, type LogUploadOptions } from './log-upload.ts';
import type { AttemptContext, PhaseDeps, Workspace } from './phases/phase.ts';
import { runPhases } from './phases/run-phases.ts';
import { toEnding } from './to-ending.ts';
import type { Claim, Transport } from './transport/transport.ts';

/** Longer lines say nothing to people, and would fill the log. */
const MAX_LOG_LINE = 4000;

export type AttemptDeps = Omit<PhaseDeps, 'redact'> & {
  transport: Pick<Transport, 'attempt' | 'decline'>;
  journal: Journal;
  /** What must not get into logs and reports, beside the tokens of the attempt. */
  secrets: readonly string[];
  fetch: typeof fetch;
  random: Random;
  log: Logger;
  userAgent: string;
  timings: Pick<Timings, 'leaseSafetySeconds'>;
  /** Least time between two progress updates of the check run. */
  checkRunSpacingMs: number;
  /** For how long the check run is looked for before the work, while GitHub is in trouble. */
  checkRunLookMs: number;
  logBatchMs: NonNullable<LogUploadOptions['batchMs']>;
  /** How long the end of an attempt may take, in milliseconds. */
  endLimits: EndLimits;
  /** An operator asked, in an answer to a heartbeat, that this runner finishes what it has and leaves. */
  onDrain(): void;
};

export type EndLimits = {
  /** For the rest of the log and the final state of the check run, together. */
  lastWordsMs: number;
  /** For telling the coordinator; it has to know, so this is long. */
  reportMs: number;
};

export const DEFAULT_END_LIMITS: EndLimits = { lastWordsMs: 15_000, reportMs: 10 * 60_000 };

/** An attempt under way. */
export type RunningAttempt = {
  attemptId: AttemptId;
  jobId: JobId;
  specialty: string;
  phase(): Phase;
  /** Ends it before its work is done; the first reason counts. Has no effect once the work has been published. */
  stop(why: AttemptStop): void;
  /** Resolves when nothing of it is left on this machine; never rejects. */
  ended: Promise<void>;
};

/** Starts to work on an accepted attempt. From here on it looks after itself. */
export function startAttempt(claim: Claim, deps: AttemptDeps): RunningAttempt {
  const { spec } = claim;
  const controller = new AbortController();
  const state: AttemptState = { phase: 'prepare', stop: null };

  function stop(why: AttemptStop): void {
    if (controller.signal.aborted) return;
    state.stop = why;
    controller.abort(new AttemptStopped(why));
  }

  const log = deps.log.child({ attempt: spec.attemptId, job: spec.jobId });
  log.info({ repository: spec.repository.htmlUrl, issue: spec.issue.number }, 'An attempt starts');
  const ended = runAttempt(claim, state, stop, controller.signal, { ...deps, log }).catch(
    (error: unknown) => {
      log.error({ err: error }, 'An attempt could not be cleaned up in full');
    },
  );
  return {
    attemptId: spec.attemptId,
    jobId: spec.jobId,
    specialty: spec.specialty,
    phase: () => state.phase,
    stop,
    ended,
  };
}

type AttemptState = { phase: Phase; stop: AttemptStop | null };

async function runAttempt(
  claim: Claim,
  state: AttemptState,
  stop: (why: AttemptStop) => void,
  signal: AbortSignal,
  deps: AttemptDeps,
): Promise<void> {
  const { spec } = claim;
  const { clock, journal, log, transport } = deps;
  const startedMs = clock.monotonicMs();
  const channel = transport.attempt(claim.lease);
  // One for each attempt: a redactor that was told every token ever would become slow.
  const redactor = createRedactor([...deps.secrets, claim.lease.leaseToken]);
  const record = createAttemptRecord(spec.settings.agent ?? deps.agents.defaultName, deps.sandbox.kind);
  const over = new AbortController();
  let workspace: Workspace | null = null;

  const entry = createJournalEntry(claim, record.agent.name);
  const tokens = createJobTokens({
    channel,
    clock,
    signal,
    first: claim.runToken,
    onToken: redactor.add,
  });
  const ownReporter = createCheckRunReporter({
    spec,
    token: tokens.run,
    fetch: deps.fetch,
    clock,
    log,
    userAgent: deps.userAgent,
    spacingMs: deps.checkRunSpacingMs,
    lookMs: deps.checkRunLookMs,
  });
  const checkRun = { ...ownReporter, ...channel.reporter };
  let liveLog: LogUpload;
  try {
    await journal.write(entry);
    liveLog = await createLogUpload({
      channel,
      file: path.join(journal.folder, `${spec.attemptId}.log`),
      redact: redactor.redact,
      clock,
      log,
      batchMs: deps.logBatchMs,
    });
  } catch (error) {
    log.error({ err: error }, 'The files of an attempt could not be written');
    await giveBack(claim, 'disk_full', toFileTrouble(error), { transport, signal, log });
    await journal.remove(spec.attemptId);
    return;
  }
  const heartbeat = createHeartbeat({
    channel,
    claim,
    leaseSafetySeconds: deps.timings.leaseSafetySeconds,
    phase: () => state.phase,
    clock,
    random: deps.random,
    log,
    onStop: stop,
    onDrain: deps.onDrain,
    onBeat: () => {
      note({}).catch(warnOfJournal);
    },
  });
  const context: AttemptContext = {
    spec,
    signal,
    record,
    channel,
    tokens,
    say: (line) => liveLog.write(stripControl(line).slice(0, MAX_LOG_LINE)),
    remainingMs: () => Math.max(0, startedMs + spec.settings.maxMinutes * 60_000 - clock.monotonicMs()),
    keepWorkspace: async (opened) => {
      workspace = opened;
      await note({ homeFolder: opened.homeFolder });
    },
    confirmLease: () => heartbeat.confirm(signal),
  };

  const background = [heartbeat.run(over.signal), liveLog.run(over.signal), watchLongestRun()];
  try {
    if (!(await hasRightCheckRun())) return;
    const ending = await workToTheEnd();
    if (ending !== null) await report(ending);
  } finally {
    over.abort();
    await Promise.all(background);
    await removeWorkspace();
    await liveLog.close();
    await journal.remove(spec.attemptId);
    log.info({ stopped: state.stop?.kind }, 'An attempt is over');
  }

  /** False, after giving the attempt back, when the check run on GitHub is not surely the one that the job names. */
  async function hasRightCheckRun(): Promise<boolean> {
    const verdict = await checkRun.verify(signal);
    // An attempt that was stopped meanwhile ends as such.
    if (verdict.kind === 'right' || signal.aborted) return true;
    const reason = verdict.kind === 'wrong' ? 'wrong_check_run' : 'github_unreachable';
    await giveBack(claim, reason, redactor.redact(verdict.reason), { transport, signal, log });
    return false;
  }

  /** How the attempt ended; `null` when it is not ours any more, so that nothing may be said about it. */
  async function workToTheEnd(): Promise<Ending | null> {
    try {
      await heartbeat.first(signal);
      return await runPhases(context, enter, { ...deps, redact: redactor.redact });
    } catch (error) {
      const ending = toEnding(error, state.stop, state.phase, redactor.redact);
      log.warn(
        { err: error, phase: state.phase, outcome: ending?.outcome },
        'An attempt did not get through',
      );
      return ending;
    }
  }

  /** Runs a phase: tells everybody that it begins, and measures it. */
  async function enter<T>(phase: Phase, run: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    state.phase = phase;
    heartbeat.hurry();
    await note({});
    context.say(`=== ${phase} ===`);
    checkRun.show(
      toProgressCheckRun({
        specialty: spec.specialty,
        runnerName: deps.runnerName,
        agentName: record.agent.name,
        phase,
        donePhases: Object.entries(record.phaseMs).map(([done, ms]) => ({ phase: done as Phase, ms })),
        sandbox: record.sandbox,
        note: null,
      }),
    );
    const enteredMs = clock.monotonicMs();
    try {
      return await run();
    } finally {
      record.phaseMs[phase] = Math.round(clock.monotonicMs() - enteredMs);
    }
  }

  async function report(ending: Ending): Promise<void> {
    const result = toAttemptResult(record, ending);
    context.say(`=== ${ending.outcome}: ${ending.reason} ===`);
    const idempotencyKey = createSecret(deps.random);
    // A full disk must not keep the end from being reported.
    await note({ report: { result, checkRunFinished: false, idempotencyKey } }).catch(warnOfJournal);
    // Whoever called it off wants nothing of it left when he hears that it is over.
    const removal = removeWorkspace();
    if (state.stop !== null) await removal;
    const checkRunFinished = await sayLastWords(result);
    const request = { result, checkRunFinished };
    // Before it is sent: a repeat after a restart has to say the same.
    await note({ report: { ...request, idempotencyKey } }).catch(warnOfJournal);
    await complete(request, idempotencyKey);
    await removal;
  }

  /** Before the report, since lease and token end with it. True when GitHub took the final state of the check run. */
  async function sayLastWords(result: AttemptResult): Promise<boolean> {
    const limit = AbortSignal.timeout(deps.endLimits.lastWordsMs);
    const content = toResultCheckRun({ specialty: spec.specialty, runnerName: deps.runnerName, result });
    const [, taken] = await Promise.all([liveLog.flush(limit), checkRun.finish(content, limit)]);
    return taken;
  }

  async function complete(request: RunnerRequest<'complete'>, idempotencyKey: string): Promise<void> {
    const { result } = request;
    try {
      await channel.complete(request, idempotencyKey, AbortSignal.timeout(deps.endLimits.reportMs));
      log.info({ outcome: result.outcome, reason: result.reason }, 'The end of an attempt was reported');
    } catch (error) {
      log.error({ err: error, outcome: result.outcome }, 'The end of an attempt was not taken');
    }
  }

  async function watchLongestRun(): Promise<void> {
    const { maxMinutes } = spec.settings;
    // Woken by the end of the attempt, which is the ordinary case.
    await clock.sleep(context.remainingMs(), over.signal).catch(() => undefined);
    if (over.signal.aborted) return;
    stop({ kind: 'timed_out', reason: `It took longer than the ${maxMinutes} minutes that are allowed.` });
  }

  async function note(news: Partial<JournalEntry>): Promise<void> {
    Object.assign(entry, news, { phase: state.phase });
    const processes = await findAttemptProcesses(entry);
    entry.processes = processes.map(({ pid, startedAt }) => ({ pid, startedAt }));
    if (!over.signal.aborted) await journal.write(entry);
  }

  function warnOfJournal(error: unknown): void {
    log.warn({ err: error }, 'The journal could not be written');
  }

  /** Never rejects: what can't be removed now is swept at the next start. */
  async function removeWorkspace(): Promise<void> {
    const removed = workspace;
    workspace = null;
    await removed
      ?.remove()
      .catch((error: unknown) => log.error({ err: error }, 'A workspace could not be removed'));
  }
}

/** For people elsewhere, whom the paths of this machine don't concern. */
function toFileTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : toError(error).name;
  return `its journal can’t be written: ${code}`;
}

/** Never rejects: an attempt that can't be given back lapses by itself. */
async function giveBack(
  { lease, leaseSeconds }: Claim,
  reason: DeclineReason,
  detail: string,
  deps: { transport: Pick<Transport, 'decline'>; signal: AbortSignal; log: Logger },
): Promise<void> {
  const { transport, log } = deps;
  log.error({ reason, detail }, 'An attempt is given back before it was begun');
  const limit = AbortSignal.any([deps.signal, AbortSignal.timeout(leaseSeconds * 1000)]);
  await transport
    .decline(lease, reason, detail, limit)
    .catch((error: unknown) => log.warn({ err: error }, 'The attempt could not be given back; it lapses'));
}

function createJournalEntry({ spec, lease }: Claim, agentName: string): JournalEntry {
  return {
    attemptId: spec.attemptId,
    jobId: spec.jobId,
    epoch: lease.epoch,
    leaseToken: lease.leaseToken,
    phase: 'prepare',
    agentName,
    homeFolder: null,
    processes: [],
    report: null,
  };
}
