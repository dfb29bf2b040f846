import process from 'node:process';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { MachineEnv } from './agents/agent-environment.ts';
import { createControlApi } from './control/control-api.ts';
import { openControlSocket } from './control/control-socket.ts';
import { createControls } from './control/create-controls.ts';
import { readStatus, type StatusSources, toStateLine } from './control/read-status.ts';
import { toHealthAnswers } from './health-answers.ts';
import { openHealthServer } from './health-server.ts';
import type { OwnKey } from './own-key.ts';
import type { PauseSwitch } from './pause.ts';
import type { RunnerMetrics } from './runner-metrics.ts';
import { createServiceNotice } from './service/notify-systemd.ts';
import type { WorkLoop } from './work-loop.ts';
import type { Workspaces } from './workspace/workspace-types.ts';

/** What a running daemon is to its own machine: health, metrics, control socket, and a service to systemd. */
export type LocalServices = {
  healthUrl: string | null;
  /** The daemon is about to end, once what is under way is finished. */
  sayStopping(): void;
  /** Tells systemd, around what reads the settings anew. */
  whileReloading(reload: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
};

/** Opens them and tells systemd that the runner has started: waiting for a coordinator is no failure to start. */
export async function openLocalServices(
  deps: Omit<StatusSources, 'pid' | 'startedAtMs' | 'healthUrl' | 'freeDiskBytes' | 'loop' | 'pause'> & {
    loop: Pick<WorkLoop, 'attempts' | 'isDraining' | 'reconsider'>;
    /** Asked for on this machine. */
    drain(): void;
    pause: PauseSwitch;
    ownKey: OwnKey | null;
    workspaces: Pick<Workspaces, 'freeDiskBytes' | 'inventory' | 'prune'>;
    metrics: RunnerMetrics;
    machineEnv: MachineEnv;
    clock: Clock;
    log: Logger;
  },
): Promise<LocalServices> {
  const { settings, loop, pause, workspaces, machineEnv, clock, log } = deps;
  const { pid } = process;
  const startedAtMs = clock.nowMs();
  const { freeDiskBytes } = workspaces;
  const status = () =>
    readStatus({ ...deps, pid, startedAtMs, freeDiskBytes, healthUrl: () => health?.url ?? null });
  const sayState = async (): Promise<string> => toStateLine(await status());

  const { health: place, workspaceRoot } = settings.config();
  const health = await openHealthServer(place, toHealthAnswers(status, deps.metrics), log);
  const notice = createServiceNotice({ machineEnv, pid, clock, log });
  function drain(): void {
    void notice.stopping();
    deps.drain();
  }
  const controls = createControls({
    status,
    pause,
    loop: { ...loop, drain },
    workspaces,
    ownKey: deps.ownKey,
    log,
  });
  const control = await openControlSocket(createControlApi(controls, log), { workspaceRoot, log });
  await notice.ready(await sayState());
  const over = new AbortController();
  const alive = notice.keepAlive(sayState, over.signal);

  return {
    healthUrl: health?.url ?? null,
    sayStopping: () => void notice.stopping(),
    whileReloading: async (reload) => {
      await notice.reloading();
      await reload();
      await notice.ready(await sayState());
    },
    stop: async () => {
      over.abort();
      await alive;
      await control?.stop();
      await health?.stop();
    },
  };
}
