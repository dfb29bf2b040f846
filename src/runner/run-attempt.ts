import type { AttemptResult, Phase } from '../contract/attempt-result.ts';
import type { AttemptId, JobId } from '../contract/identifiers.ts';
import { toProgressCheckRun, toResultCheckRun } from '../domain/check-run-text.ts';
import { LOG_END_BYTES } from '../domain/log-text.ts';
import type { Timings } from '../domain/timings.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createRedactor } from '../lib/redact.ts';
import { createSecret } from '../lib/secret.ts';
import { toError } from '../lib/to-error.ts';
import { createAttemptNotes } from './attempt-notes.ts';
import { findAttemptProcesses } from './attempt-processes.ts';
import { createAttemptRecord, type Ending, toAttemptResult, toProgress } from './attempt-record.ts';
import { AttemptStopped, type AttemptStop } from './attempt-stop.ts';
import { createCheckRunReporter } from './check-run.ts';
import { decideKeeping } from './decide-keeping.ts';
import type { DiskRoom } from './disk-room.ts';
import { giveBack } from './give-back.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createJobTokens } from './job-tokens.ts';
import type { ReportEntry } from './deliver-report.ts';
import { attemptLogFile, type Journal, type JournalEntry } from './journal.ts';
import type { LateReports } from './late-reports.ts';
import { createLogLineMask } from './log-line-mask.ts';
import { createLogUpload, type LogUpload, type LogUploadOptions } from './log-upload.ts';
import type { AttemptContext, PhaseDeps, Workspace } from './phases/phase.ts';
import { runPhases } from './phases/run-phases.ts';
import { type EndLimits, tellEnd } from './tell-end.ts';
import { endStopped, toEnding } from './to-ending.ts';
import type { Claim, Transport } from './transport/transport.ts';

/** Ends that a full disk may be the cause of. */
const DISK_SUSPECTS: readonly Ending['outcome'][] = ['agent_failed', 'tests_failed', 'no_changes'];

export type AttemptDeps = Omit<PhaseDeps, 'redact' | 'holdsSecret'> & {
  transport: Pick<Transport, 'attempt' | 'decline'>;
  journal: Journal;
  disk: Pick<DiskRoom, 'blame'>;
  /** Takes over the end of an attempt that can't be reported in time. */
  late: Pick<LateReports, 'add'>;
  /** What must not get into logs and reports, beside the tokens of the attempt. */
  secrets: readonly string[];
  random: Random;
  log: Logger;
  timings: Pick<Timings, 'leaseSafetySeconds'>;
  /** Least time between two progress updates of the check run. */
  checkRunSpacingMs: number;
  /** For how long the check run is looked for before the work, while GitHub is in trouble. */
  checkRunLookMs: number;
  logBatchMs: NonNullable<LogUploadOptions['batchMs']>;
  endLimits: EndLimits;
  /** An operator asked, in an answer to a heartbeat, that this runner finishes what it has and leaves. */
  onDrain(): void;
};

/** An attempt under way. */
export type RunningAttempt = {
  attemptId: AttemptId;
  jobId: JobId;
  specialty: string;
  /** For people on this machine; the time is of the wall clock. */
  about: { repository: string; issue: number; agent: string; startedAtMs: number };
  phase(): Phase;
  /** Ends it before its work is done; the first reason counts. Has no effect once the work has been published. */
  stop(why: AttemptStop): void;
  /** Resolves with how it ended, when nothing of it is left on this machine; never rejects. */
  ended: Promise<AttemptEnd>;
};

/** `given_back`: it was not begun. `lost`: it is not this runner's any more, or it could not be looked after. */
export type AttemptEnd =
  { kind: 'ended'; outcome: Ending['outcome'] } | { kind: 'given_back' } | { kind: 'lost' };

/** Starts to work on an accepted attempt. From here on it looks after itself. */
export function startAttempt(claim: Claim, deps: AttemptDeps): RunningAttempt {
  const { spec } = claim;
  const controller = new AbortController();
  const state: AttemptState = { phase: 'prepare', stop: null, shutdown: Promise.withResolvers() };

  function stop(why: AttemptStop): void {
    if (why.kind === 'shutdown') state.shutdown.resolve();
    if (controller.signal.aborted) return;
    state.stop = why;
    controller.abort(new AttemptStopped(why));
  }

  const log = deps.log.child({ attempt: spec.attemptId, job: spec.jobId });
  log.info({ repository: spec.repository.htmlUrl, issue: spec.issue.number }, 'An attempt starts');
  const ended = runAttempt(claim, state, stop, controller.signal, { ...deps, log }).catch(
    (error: unknown): AttemptEnd => {
      log.error({ err: error }, 'An attempt could not be cleaned up in full');
      return { kind: 'lost' };
    },
  );
  return {
    attemptId: spec.attemptId,
    jobId: spec.jobId,
    specialty: spec.specialty,
    about: {
      repository: `${spec.repository.owner}/${spec.repository.name}`,
      issue: spec.issue.number,
      agent: spec.settings.agent ?? deps.agents.defaultNames[0],
      startedAtMs: deps.clock.nowMs(),
    },
    phase: () => state.phase,
    stop,
    ended,
  };
}

type AttemptState = {
  phase: Phase;
  stop: AttemptStop | null;
  /** Resolves when this runner goes down, also once the attempt has been stopped for another reason. */
  shutdown: PromiseWithResolvers<void>;
};

async function runAttempt(
  claim: Claim,
  state: AttemptState,
  stop: (why: AttemptStop) => void,
  signal: AbortSignal,
  deps: AttemptDeps,
): Promise<AttemptEnd> {
  const { spec } = claim;
  const { clock, journal, log, transport } = deps;
  const startedMs = clock.monotonicMs();
  const channel = transport.attempt(claim.lease);
  // One for each attempt: a redactor that was told every token ever would become slow.
  const redactor = createRedactor([...deps.secrets, claim.lease.leaseToken]);
  const record = createAttemptRecord(spec.settings.agent ?? deps.agents.defaultNames[0], deps.sandbox.kind);
  const over = new AbortController();
  let workspace: Workspace | null = null;
  /** The end, if it could not be reported in time. */
  let late: ReportEntry | null = null;

  const notes = createAttemptNotes({
    entry: createJournalEntry(claim, record.agent.name),
    journal,
    phase: () => state.phase,
    isOver: () => over.signal.aborted,
    clock,
    log,
  });
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
    mayWrite: (limit) => heartbeat.confirm(limit),
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
    await journal.write(notes.entry());
    liveLog = await createLogUpload({
      channel,
      file: attemptLogFile(journal, spec.attemptId),
      redact: createLogLineMask(redactor.redact),
      clock,
      log,
      batchMs: deps.logBatchMs,
    });
  } catch (error) {
    log.error({ err: error }, 'The files of an attempt could not be written');
    await giveBack(claim, 'disk_full', toFileTrouble(error), { transport, signal, log });
    await journal.remove(spec.attemptId);
    return { kind: 'given_back' };
  }
  const heartbeat = createHeartbeat({
    channel,
    claim,
    leaseSafetySeconds: deps.timings.leaseSafetySeconds,
    news: () => ({ phase: state.phase, progress: toProgress(record) }),
    clock,
    random: deps.random,
    log,
    onStop: stop,
    onDrain: deps.onDrain,
    onBeat: () => void notes.freshen(),
  });
  const context: AttemptContext = {
    spec,
    signal,
    record,
    channel,
    tokens,
    say: (line) => liveLog.write(line),
    remainingMs: () => Math.max(0, startedMs + spec.settings.maxMinutes * 60_000 - clock.monotonicMs()),
    keepWorkspace: async (opened) => {
      workspace = opened;
      await notes.write({ homeFolder: opened.homeFolder });
    },
    confirmLease: () => heartbeat.confirm(signal),
  };

  const background = [heartbeat.run(over.signal), liveLog.run(over.signal), watchLongestRun()];
  try {
    if (!(await hasRightCheckRun())) return { kind: 'given_back' };
    const ending = await workToTheEnd();
    if (ending === null) return { kind: 'lost' };
    await report(ending);
    return { kind: 'ended', outcome: ending.outcome };
  } finally {
    over.abort();
    await Promise.all(background);
    await removeWorkspace(state.stop?.kind === 'lost' || state.stop?.kind === 'lapsed' ? 'aside' : 'away');
    await liveLog.close();
    if (late === null) await journal.remove(spec.attemptId);
    else deps.late.add(late);
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
      const { redact, holds: holdsSecret } = redactor;
      return await blameDisk(await runPhases(context, enter, { ...deps, redact, holdsSecret }), null);
    } catch (error) {
      const ending = await blameDisk(toEnding(error, state.stop, state.phase, redactor.redact), error);
      log.warn(
        { err: error, phase: state.phase, outcome: ending?.outcome },
        'An attempt did not get through',
      );
      return ending;
    }
  }

  /** On a full disk agents and tests fail as well, in words of their own: that says nothing about the work. */
  async function blameDisk<E extends Ending | null>(ending: E, failure: unknown): Promise<E | Ending> {
    if (ending === null || record.headCommit !== null || !DISK_SUSPECTS.includes(ending.outcome))
      return ending;
    try {
      const trouble = await deps.disk.blame(failure);
      return (trouble && endStopped(trouble)) ?? ending;
    } catch (error) {
      log.warn({ err: error }, 'Free disk space can not be read');
      return ending;
    }
  }

  /** Runs a phase: tells everybody that it begins, and measures it. */
  async function enter<T>(phase: Phase, run: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    state.phase = phase;
    heartbeat.hurry();
    await notes.write();
    context.say(`=== ${phase} ===`);
    checkRun.show(
      toProgressCheckRun({
        specialty: spec.specialty,
        runnerName: deps.runnerName,
        agentName: record.agent.name,
        passedOver: record.agent.passedOver,
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
    const { patch } = record;
    const told = {
      result,
      ...(patch === undefined ? {} : { patch }),
      idempotencyKey: createSecret(deps.random),
    };
    // A full disk must not keep the end from being reported.
    await notes.write({ report: { ...told, checkRunFinished: false } }).catch(warnOfJournal);
    // Whoever called it off wants nothing of it left when he hears that it is over.
    const putting = putAway(ending);
    if (state.stop !== null) await (await putting).gone;
    const checkRunFinished = await sayLastWords(result);
    // What is kept has to be there when a next round begins, which may be at once.
    const { gone } = await putting;
    const report = { ...told, checkRunFinished };
    // Before it is sent: a repeat after a restart has to say the same.
    await notes.write({ report }).catch(warnOfJournal);
    const telling = {
      channel,
      liveLog,
      shutdown: state.shutdown.promise,
      limits: deps.endLimits,
      clock,
      log,
    };
    if (!(await tellEnd(report, telling))) late = { ...notes.entry(), report };
    await gone;
  }

  /** Before the report, since lease and token end with it. True when GitHub took the final state of the check run. */
  async function sayLastWords(result: AttemptResult): Promise<boolean> {
    const limit = AbortSignal.timeout(deps.endLimits.lastWordsMs);
    const { specialty, kind } = spec;
    const { patch } = record;
    const { runnerName } = deps;
    const log = { text: await liveLog.readEnd(LOG_END_BYTES), jobId: spec.jobId };
    const content = toResultCheckRun({ specialty, kind, runnerName, result, patch, log });
    const [, taken] = await Promise.all([liveLog.flush(limit), checkRun.finish(content, limit)]);
    return taken;
  }

  async function watchLongestRun(): Promise<void> {
    const { maxMinutes } = spec.settings;
    // Woken by the end of the attempt, which is the ordinary case.
    await clock.sleep(context.remainingMs(), over.signal).catch(() => undefined);
    if (over.signal.aborted) return;
    stop({ kind: 'timed_out', reason: `It took longer than the ${maxMinutes} minutes that are allowed.` });
  }

  function warnOfJournal(error: unknown): void {
    log.warn({ err: error }, 'The journal could not be written');
  }

  /** Never rejects. What may be of use to a next round is kept for it by then; all else is gone a while later. */
  async function putAway({ outcome }: Ending): Promise<{ gone: Promise<void> }> {
    const wish = decideKeeping({
      ...record,
      spec,
      outcome,
      isStopped: state.stop !== null,
      isSessionFile: deps.agents.byName.get(record.agent.name)?.isSessionFile,
      holdsSecret: (text) => redactor.holds(text, 1),
    });
    // What still runs could go on writing.
    if (wish === null || (await isAlive())) return { gone: removeWorkspace('away') };
    const kept = workspace;
    workspace = null;
    await kept
      ?.keep(wish)
      .catch((error: unknown) => log.error({ err: error }, 'A workspace could not be put away'));
    return { gone: Promise.resolve() };
  }

  /** Whether something of it still runs, or nobody knows. */
  async function isAlive(): Promise<boolean> {
    return findAttemptProcesses(notes.entry()).then(
      (processes) => processes.length > 0,
      () => true,
    );
  }

  /** Never rejects: what can't be removed now is swept at the next start. */
  async function removeWorkspace(where: 'away' | 'aside'): Promise<void> {
    const removed = workspace;
    workspace = null;
    await (where === 'aside' ? removed?.setAside() : removed?.remove())?.catch((error: unknown) =>
      log.error({ err: error }, 'A workspace could not be removed'),
    );
  }
}

/** For people elsewhere, whom the paths of this machine don't concern. */
function toFileTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : toError(error).name;
  return `its journal can’t be written: ${code}`;
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
