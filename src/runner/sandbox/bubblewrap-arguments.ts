import { isWithin, withoutNested } from './paths.ts';
import type { Toolchains } from './toolchain-paths.ts';

/** All that a command sees. Paths are absolute and, unless they say otherwise, the same inside as outside. */
export type SandboxView = {
  toolchains: Toolchains;
  /** Empty inside, whatever is shown around them. */
  hiddenFolders: readonly string[];
  hiddenFiles: readonly string[];
  /** Read-only, also below what is hidden. */
  readable: readonly string[];
  /** Read-only, at another path inside; sockets too. */
  files: readonly { from: string; at: string }[];
  writable: readonly string[];
  /** One of `writable`. */
  workingFolder: string;
  hasNetworkOfHost: boolean;
};

/** Of /tmp and of /dev/shm each, which are memory that belongs to no process. What needs more has TMPDIR, which is on the disk. */
const TMP_BYTES = 512 * 1024 ** 2;

/** Nobody, by number; the sandbox's passwd gives it a name. To the machine it stays the runner's user. */
export const SANDBOX_UID = 1000;

/**
 * Options of bwrap(1). Every namespace is new, no user namespace can be made inside, there are no capabilities, and what is not named
 * here is not there. No `--new-session`: `runCommand` gives each command a session of its own, and its process group is how SIGTERM gets
 * inside. The environment is not among them: what bubblewrap is started with is passed on, and arguments can be read by all.
 */
export function toBubblewrapArguments(view: SandboxView): string[] {
  const shown = withoutNested(view.toolchains.folders);
  return [
    ['--unshare-user', '--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    view.hasNetworkOfHost ? [] : ['--unshare-net'],
    ['--disable-userns', '--cap-drop', 'ALL', '--die-with-parent', '--hostname', 'sandbox'],
    ['--uid', String(SANDBOX_UID), '--gid', String(SANDBOX_UID)],
    ['--proc', '/proc', '--dev', '/dev'],
    ['/tmp', '/dev/shm'].flatMap((path) => ['--size', String(TMP_BYTES), '--tmpfs', path]),
    shown.flatMap((path) => ['--ro-bind-try', path, path]),
    linksBeside(shown, view.toolchains.links).flatMap(({ at, target }) => ['--symlink', target, at]),
    view.hiddenFolders.flatMap((path) => ['--tmpfs', path]),
    view.hiddenFiles.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    view.readable.flatMap((path) => ['--ro-bind', path, path]),
    view.files.flatMap(({ from, at }) => ['--ro-bind', from, at]),
    view.writable.flatMap((path) => ['--bind', path, path]),
    [...view.hiddenFolders, '/dev', '/'].flatMap((path) => ['--remount-ro', path]),
    ['--chdir', view.workingFolder],
  ].flat();
}

/** Links inside of what is shown are there already. */
function linksBeside(shown: readonly string[], links: Toolchains['links']): Toolchains['links'] {
  const taken = [...shown];
  return links.filter(({ at }) => {
    if (taken.some((path) => isWithin(at, path))) return false;
    taken.push(at);
    return true;
  });
}
