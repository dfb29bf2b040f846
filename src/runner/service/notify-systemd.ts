import { execa } from 'execa';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { type MachineEnv, pickVariables } from '../agents/agent-environment.ts';

const NOTIFY_LIMIT_MS = 10_000;
/** How often the state is told where nobody watches. */
const STATUS_MS = 60_000;

/** What a service manager is told; nothing happens where there is none. Never rejects. */
export type ServiceNotice = {
  /** It works, also after a reload. */
  ready(status: string): Promise<void>;
  reloading(): Promise<void>;
  stopping(): Promise<void>;
  /** Tells that it lives, and what it is at, again and again until the signal aborts. */
  keepAlive(status: () => Promise<string>, signal: AbortSignal): Promise<void>;
};

/**
 * Tells systemd by its own `systemd-notify`: Node.js has no datagrams over UNIX sockets, every package for them has to be compiled, and
 * where systemd is, there is that program. A process every 45 s costs less than a native dependency.
 */
export function createServiceNotice(deps: {
  machineEnv: MachineEnv;
  pid: number;
  clock: Clock;
  log: Logger;
}): ServiceNotice {
  const { machineEnv, clock, log } = deps;
  const isWatched = (machineEnv['NOTIFY_SOCKET'] ?? '') !== '';
  let isInTrouble = false;

  async function tell(...facts: string[]): Promise<void> {
    if (!isWatched) return;
    const result = await execa('systemd-notify', facts, {
      env: pickVariables(machineEnv, ['PATH', 'NOTIFY_SOCKET']),
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      timeout: NOTIFY_LIMIT_MS,
    });
    if (result.failed && !isInTrouble) {
      log.warn(
        { err: result.cause, exitCode: result.exitCode },
        'systemd could not be told how the runner is',
      );
    }
    isInTrouble = result.failed;
  }

  return {
    ready: (status) => tell('READY=1', `STATUS=${toStatus(status)}`),
    reloading: () => tell('RELOADING=1', 'STATUS=reading runner.yml'),
    stopping: () => tell('STOPPING=1', 'STATUS=finishing what is under way'),
    keepAlive: async (status, signal) => {
      if (!isWatched) return;
      const everyMs = watchdogMs(machineEnv, deps.pid);
      while (!signal.aborted) {
        // Woken by the abort, which the loop looks at next.
        await clock.sleep(everyMs === null ? STATUS_MS : everyMs / 2, signal).catch(() => undefined);
        if (signal.aborted) return;
        // What can't be told now is no reason to be taken for dead.
        const text = await status().catch(() => 'its state could not be read');
        await tell(...(everyMs === null ? [] : ['WATCHDOG=1']), `STATUS=${toStatus(text)}`);
      }
    },
  };
}

/** How long the runner may be silent; `null` = nobody waits for it. See sd_watchdog_enabled(3). */
export function watchdogMs(machineEnv: MachineEnv, pid: number): number | null {
  const microseconds = Number(machineEnv['WATCHDOG_USEC'] ?? '');
  const watched = machineEnv['WATCHDOG_PID'] ?? '';
  if (!(microseconds > 0) || (watched !== '' && watched !== String(pid))) return null;
  return microseconds / 1000;
}

/** One line. */
function toStatus(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 200);
}
