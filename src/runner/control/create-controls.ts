import type { Logger } from '../../lib/logger.ts';
import type { OwnKey } from '../own-key.ts';
import type { PauseSwitch } from '../pause.ts';
import type { Workspaces } from '../workspace/workspace-types.ts';
import type { WorkLoop } from '../work-loop.ts';
import type { Controls } from './control-api.ts';
import type { RunnerStatus } from './runner-status.ts';

/** For people with `transport: github`. */
export const NO_KEY =
  'this runner has no key of its own: it works with the App’s private key, which is replaced on the App’s settings page and then in github_app.private_key_path';

/** What the control socket may do with a running daemon; everything that it changes is logged. */
export function createControls(deps: {
  status: () => Promise<RunnerStatus>;
  pause: PauseSwitch;
  loop: Pick<WorkLoop, 'drain' | 'isDraining' | 'reconsider'>;
  workspaces: Pick<Workspaces, 'inventory' | 'prune'>;
  /** `null`: it has none, see `NO_KEY`. */
  ownKey: Pick<OwnKey, 'rotate'> | null;
  log: Logger;
}): Controls {
  const { pause, loop, workspaces, log } = deps;
  return {
    status: deps.status,
    pause: async (reason) => {
      await pause.pause(reason);
      log.info({ reason }, 'Paused from this machine: it takes nothing new, and finishes what it has');
      loop.reconsider();
    },
    resume: async () => {
      const wasPaused = await pause.resume();
      if (wasPaused) log.info({}, 'Resumed from this machine: it takes work again');
      loop.reconsider();
      return wasPaused;
    },
    drain: () => {
      if (loop.isDraining()) return false;
      log.info({}, 'Told to end from this machine: finishing what is under way, taking nothing new');
      loop.drain();
      return true;
    },
    workspaces: workspaces.inventory,
    prune: workspaces.prune,
    rotateKey: async (signal) => {
      if (deps.ownKey === null) throw new Error(NO_KEY);
      return await deps.ownKey.rotate(signal);
    },
  };
}
