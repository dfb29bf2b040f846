import { homedir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { DEFAULT_TIMINGS, type Timings } from '../domain/timings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { toError } from '../lib/to-error.ts';
import type { MachineEnv } from './agents/agent-environment.ts';
import { attemptLogFolders } from './attempt-logs.ts';
import { createAttemptHistory } from './attempt-history.ts';
import type { ConfigReading, RunnerConfig } from './config.ts';
import { createContact } from './contact.ts';
import { createDiskRoom } from './disk-room.ts';
import { RUNNER_EXIT, type RunnerExit } from './exit-codes.ts';
import { findSecretPaths } from './find-secrets.ts';
import { openJournal } from './journal.ts';
import { createLateReports } from './late-reports.ts';
import { openLiveSettings } from './live-settings.ts';
import { type LocalServices, openLocalServices } from './local-services.ts';
import { toExit } from './loop-exit.ts';
import { obeySignals, type SignalSource } from './obey-signals.ts';
import { createOwnKey } from './own-key.ts';
import { openPause } from './pause.ts';
import { type AttemptLimits, DEFAULT_LIMITS } from './phases/phase.ts';
import { endLeftOvers, reportAbandoned } from './recover-attempts.ts';
import { startAttempt } from './run-attempt.ts';
import { DEFAULT_END_LIMITS, type EndLimits } from './tell-end.ts';
import type { RunnerIdentity } from './runner-identity.ts';
import { createRunnerMetrics } from './runner-metrics.ts';
import { openSandbox, sandboxStateFolder } from './sandbox/open-sandbox.ts';
import { createTransport } from './transport/create-transport.ts';
import { transportErrorKind } from './transport/transport-error.ts';
import type { Transport } from './transport/transport.ts';
import { watchDisk } from './watch-disk.ts';
import { createQuotaWatch } from './watch-quota.ts';
import { createWorkLoop, isFatal, type LoopEnd, MIN_FREE_DISK_BYTES, type WorkLoop } from './work-loop.ts';
import { createWorkspaces } from './workspace/create-workspaces.ts';

export type DaemonDeps = {
  /** Version of this package. */
  version: string;
  /** Where the configuration was read from: no command may see it. */
  configFile?: string;
  /** Reads the configuration anew, at SIGHUP; left out: it stays what it is. */
  reread?: () => Promise<ConfigReading>;
  /** The environment of this process, of which agents and tests get a few harmless facts. */
  machineEnv: MachineEnv;
  signals: SignalSource;
  fetch: typeof fetch;
  clock: Clock;
  random: Random;
  /** Take one job and leave; the exit code tells how it ended. */
  once?: { idleMs: number | null } | undefined;
  /** Told once, when the runner takes work. */
  onReady?(facts: { runnerId: string; healthUrl: string | null }): void;
  tuning?: Partial<RunnerTuning>;
};

/** Figures that only tests and the demo change. All in milliseconds unless they say otherwise. */
export type RunnerTuning = {
  timings: Pick<Timings, 'leaseSafetySeconds'>;
  limits: AttemptLimits;
  endLimits: EndLimits;
  checkRunSpacingMs: number;
  checkRunLookMs: number;
  logBatchMs: { least: number; most: number };
  backoff: { baseMs: number; maxMs: number };
  /** Below it nothing is begun. */
  minFreeDiskBytes: number;
  /** At it, and below, nothing goes on. A quarter of the other when left out. */
  goOnFreeDiskBytes?: number;
  /** How often the disk is looked at while something runs. */
  diskLookMs: number;
  /** How often it is looked at what attempts take of it, at the most. */
  quotaLookMs: number;
};

const DEFAULT_TUNING: RunnerTuning = {
  timings: DEFAULT_TIMINGS,
  limits: DEFAULT_LIMITS,
  endLimits: DEFAULT_END_LIMITS,
  checkRunSpacingMs: 10_000,
  checkRunLookMs: 60_000,
  logBatchMs: { least: 1000, most: 3000 },
  backoff: { baseMs: 1000, maxMs: 60_000 },
  minFreeDiskBytes: MIN_FREE_DISK_BYTES,
  diskLookMs: 5000,
  quotaLookMs: 15_000,
};

/** How long the coordinator is asked to take note that we leave. */
const CLOSE_LIMIT_MS = 5000;

/** The daemon, once it has the workspace root for itself. */
export async function runDaemon(
  config: RunnerConfig,
  identity: RunnerIdentity,
  /** What must not get into logs and reports: known from the start, and learnt later. */
  secrets: { known: readonly string[]; add(secret: string): void },
  log: Logger,
  deps: DaemonDeps,
): Promise<RunnerExit> {
  const { clock, random, machineEnv, fetch, version } = deps;
  const tuning = { ...DEFAULT_TUNING, ...deps.tuning };
  const stateFolder = path.join(config.workspaceRoot, '.yardmaster');
  const opening = await openSandbox({
    settings: config.sandbox,
    machineEnv,
    homeFolder: machineEnv['HOME'] ?? homedir(),
    workspaceRoot: config.workspaceRoot,
    secretPaths: findSecretPaths(config, deps.configFile),
    stateFolder: sandboxStateFolder(config.workspaceRoot),
    nodeExecutable: process.execPath,
    clock,
    log,
  });
  if (!opening.ok) {
    log.fatal({}, opening.problem);
    return RUNNER_EXIT.configuration;
  }
  const { sandbox } = opening;
  log.info({ sandbox: sandbox.kind }, 'What agents, set-up and tests run in');
  const journal = await openJournal({
    folder: attemptLogFolders(config.workspaceRoot).underWay,
    keptLogs: attemptLogFolders(config.workspaceRoot).ended,
    log,
  });
  const workspaces = createWorkspaces({
    root: config.workspaceRoot,
    log,
    clock,
    machineEnv,
    fetch,
    keepMs: config.keepWorkspacesHours * 60 * 60_000,
    // A token goes before a key: it says more exactly what was meant.
    ...(config.github.sshKey === null || config.github.token !== null
      ? {}
      : { sshKeyFile: config.github.sshKey }),
  });
  const leftOvers = await endLeftOvers({ journal, clock, log });
  await workspaces.sweep([]);
  const userAgent = `yardmaster-runner/${version}`;
  const contact = createContact(clock);
  const pause = await openPause(path.join(stateFolder, 'paused.json'), clock.nowMs);
  const paused = pause.current();
  if (paused !== null) {
    log.warn(paused, 'The runner is paused and takes nothing new: “yardmaster runner resume” ends that');
  }
  const history = createAttemptHistory(clock.nowMs);
  const metrics = createRunnerMetrics();
  const settings = await openLiveSettings(config, {
    reread: deps.reread ?? null,
    secrets,
    sandbox,
    machineEnv,
    version,
    clock,
    log,
    onChange: () => loop.reconsider(),
  });
  const ownKey =
    identity.kind === 'github'
      ? null
      : createOwnKey(identity.key, {
          file: config.keyFile,
          url: config.coordinatorUrl,
          fetch,
          clock,
          random,
          log,
          onSecret: secrets.add,
        });
  const transport = createTransport(config, identity, {
    facts: settings.facts,
    contact,
    ownKey,
    fetch,
    clock,
    random,
    log,
    userAgent,
    backoff: tuning.backoff,
    onToken: secrets.add,
  });
  const disk = createDiskRoom(workspaces, {
    begin: tuning.minFreeDiskBytes,
    goOn: tuning.goOnFreeDiskBytes ?? Math.floor(tuning.minFreeDiskBytes / 4),
  });
  const late = createLateReports({ transport, journal, clock, log });
  const loop: WorkLoop = createWorkLoop({
    transport,
    capacity: () => settings.config().maxConcurrentTasks,
    isPaused: () => pause.current() !== null,
    freeDiskBytes: () => disk.forNewWork(),
    minFreeDiskBytes: tuning.minFreeDiskBytes,
    once: deps.once,
    clock,
    random,
    log,
    startAttempt: (claim) => {
      const attempt = startAttempt(claim, {
        ...tuning,
        runnerName: config.agentId,
        workspaces,
        disk,
        agents: settings.agents(),
        sandbox,
        reach: settings.config().sandbox,
        context: settings.config().context,
        clock,
        machineEnv,
        ownGit: config.github,
        transport,
        journal,
        late,
        secrets: settings.secrets(),
        fetch,
        random,
        log,
        userAgent,
        onDrain: () => loop.drain(),
      });
      void attempt.ended.then((end) => metrics.attemptEnded(history.add(attempt, end)));
      return attempt;
    },
  });

  const leaving = new AbortController();
  let local: LocalServices | null = null;
  const stopping = obeySignals(deps.signals, loop, log, () => {
    // Before they are there, the settings are those of just now.
    void local?.whileReloading(settings.reload);
  });
  const over = new AbortController();
  const watching = watchDisk(
    { disk, attempts: () => loop.attempts(), everyMs: tuning.diskLookMs, clock, log },
    over.signal,
  );
  const quota = createQuotaWatch({
    workspaces,
    quota: () => settings.config().disk,
    attempts: () => loop.attempts(),
    everyMs: tuning.quotaLookMs,
    clock,
    log,
  });
  const watchingQuota = quota.run(over.signal);
  local = await openLocalServices({
    settings,
    identity,
    version,
    sandbox,
    loop,
    drain: () => {
      loop.drain();
      leaving.abort();
    },
    pause,
    ownKey,
    contact,
    history,
    late,
    workspaces,
    diskUse: quota.use,
    metrics,
    minFreeDiskBytes: tuning.minFreeDiskBytes,
    machineEnv,
    clock,
    log,
  });
  stopping.first.addEventListener('abort', () => local?.sayStopping());
  try {
    const work = async (): Promise<RunnerExit> => {
      const connected = await connect(transport, AbortSignal.any([stopping.first, leaving.signal]));
      if (connected !== null) return toExit(connected, log, deps.once !== undefined);
      await reportAbandoned(leftOvers, { transport, journal, late, random, clock, log }, stopping.second);
      deps.onReady?.({ runnerId: identity.runnerId, healthUrl: local?.healthUrl ?? null });
      const end = await loop.run();
      // The machine of a runner for one job may be gone right afterwards, and its disk with it.
      if (deps.once !== undefined && end.kind === 'drained') {
        const limit = AbortSignal.timeout(tuning.endLimits.reportMs);
        await late.settle(AbortSignal.any([stopping.second, limit]));
      }
      if (end.kind === 'drained') await leave(transport, log);
      return toExit(end, log, deps.once !== undefined);
    };
    return await Promise.race([work(), stopping.forced]);
  } finally {
    stopping.dispose();
    over.abort();
    await Promise.all([watching, watchingQuota]);
    await late.stop();
    await local.stop();
  }
}

/** `null` when connected; otherwise why the runner ends before it began. */
async function connect(transport: Transport, signal: AbortSignal): Promise<LoopEnd | null> {
  try {
    await transport.connect(signal);
    return null;
  } catch (error) {
    if (signal.aborted) return { kind: 'drained', last: null };
    const cause = transportErrorKind(error);
    if (isFatal(cause)) {
      return { kind: 'fatal', cause, message: toError(error).message };
    }
    throw error;
  }
}

async function leave(transport: Transport, log: Logger): Promise<void> {
  try {
    await transport.close(AbortSignal.timeout(CLOSE_LIMIT_MS));
  } catch (error) {
    log.warn({ err: error }, 'The coordinator was not told that this runner has left');
  }
}
