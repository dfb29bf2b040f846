import process from 'node:process';
import type { Clock } from './clock.ts';
import { listProcesses, startTimeOf, wasStartedWith } from './list-processes.ts';
import type { ProcessEntry } from './list-processes.ts';

const LOOK_AGAIN_MS = 15;
/** A process that is still there so long after SIGKILL waits for a device, and no signal helps. */
const GIVE_UP_MS = 10_000;

/** A program that was started as the leader of a process group, and all that it started. */
export type ProcessTree = {
  /** Asks the group to end (SIGTERM). Returns at once. */
  terminate(): Promise<void>;
  /**
   * Ends everything at once (SIGKILL) and resolves when it is gone. Returns the ids that even this didn't end within
   * 10 seconds: normally none.
   */
  kill(): Promise<number[]>;
};

/**
 * Follows the tree of `rootPid` by every thread that leads to a process: its parents, its process group, its session,
 * and `mark`, a `NAME=value` in the environment that the root was started with and that children inherit. So a child
 * that moved to a session of its own is found while its parent lives, and by the mark afterwards.
 *
 * What escapes: a process that clears its environment, leaves the session *and* loses its parents before the first
 * look. Against one that does so on purpose only a PID namespace or a cgroup helps.
 */
export function createProcessTree(options: { rootPid: number; mark: string; clock: Clock }): ProcessTree {
  const { rootPid, mark, clock } = options;
  const known = new Map<number, string>();
  // What was there before the first process was not started by it. To ask all for their environment costs more than many a command.
  const firstStart = startTimeOf(rootPid);
  const isOlder = ({ startedAt }: ProcessEntry): boolean =>
    firstStart !== null && Number(startedAt) < firstStart;

  async function look(): Promise<ProcessEntry[]> {
    const all = (await listProcesses()).filter((entry) => entry.pid !== process.pid && entry.pid > 1);
    const members = all.filter(
      (entry) =>
        known.get(entry.pid) === entry.startedAt ||
        entry.group === rootPid ||
        entry.session === rootPid ||
        (!isOlder(entry) && wasStartedWith(entry.pid, [mark])),
    );
    const family = withDescendants(members, all);
    for (const entry of family) known.set(entry.pid, entry.startedAt);
    return family;
  }

  return {
    terminate: async () => {
      // Before the signal: once a parent has ended, its children are nobody's.
      await look();
      send(-rootPid, 'SIGTERM');
    },
    kill: async () => {
      const giveUpAt = clock.monotonicMs() + GIVE_UP_MS;
      let alive = await look();
      // Until a look finds nothing: what was just killed may have forked in the meantime.
      while (alive.length > 0 && clock.monotonicMs() < giveUpAt) {
        for (const entry of alive) send(entry.pid, 'SIGKILL');
        await clock.sleep(LOOK_AGAIN_MS);
        alive = await look();
      }
      // Where processes can't be listed, this is all there is.
      if (process.platform !== 'linux') send(-rootPid, 'SIGKILL');
      return alive.map((entry) => entry.pid);
    },
  };
}

function withDescendants(members: readonly ProcessEntry[], all: readonly ProcessEntry[]): ProcessEntry[] {
  const family = new Map(members.map((entry) => [entry.pid, entry]));
  let before = -1;
  while (family.size > before) {
    before = family.size;
    for (const entry of all) {
      if (family.has(entry.parent)) family.set(entry.pid, entry);
    }
  }
  return [...family.values()];
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already, which is what was wanted, or it changed its user: then `kill` reports it as left.
  }
}
