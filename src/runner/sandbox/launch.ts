/** A command and its whole environment. `maxMemoryBytes`: of all that it starts together, for `runCommand` to watch; absent = no limit. */
export type Launch = { command: string[]; env: Record<string, string>; maxMemoryBytes?: number };

/**
 * What a command may reach of the network: nothing; what the runner reaches; or only what is behind sockets of the runner: the hosts
 * of a proxy (`proxySocket`), and its model by the gateway (`modelSocket`), at `SANDBOX_MODEL_URL`.
 */
export type NetworkAccess =
  'none' | 'host' | { proxySocket?: string | undefined; modelSocket?: string | undefined };

/** Access to those of the runner's sockets that there are. */
export function toNetworkAccess(sockets: Exclude<NetworkAccess, string>): NetworkAccess {
  return sockets.proxySocket === undefined && sockets.modelSocket === undefined ? 'none' : sockets;
}

/** On the loopback of each sandbox, where nothing else can be in the way. */
export const SANDBOX_MODEL_PORT = 8787;
/** Where a command that can't speak to a UNIX socket finds its model. */
export const SANDBOX_MODEL_URL = `http://127.0.0.1:${SANDBOX_MODEL_PORT}`;

/** What a command must be able to use inside a sandbox. Everything else of the machine may be out of its sight. */
export type LaunchNeeds = {
  /** Its working directory; it may write there, in `home` and in `temp`, all at the same paths as outside. */
  workspace: string;
  home: string;
  temp: string;
  /** Of an agent: its own folder, where only it may write. */
  agent?: string;
  /** Read-only, beside the toolchains of the machine. */
  readable: readonly string[];
  /**
   * Absolute paths of programs and scripts that the runner's own configuration names: their folders are shown. Never from a
   * repository, which could name any file of the machine.
   */
  programs: readonly string[];
  /** Sockets of the runner, and where the command finds them. */
  sockets: readonly { file: string; inside: string }[];
  network: NetworkAccess;
};

/**
 * Puts something around a command, such as a sandbox: gets the command that would be run, gives the one that is.
 * A rejection means that the command doesn't start.
 */
export type WrapCommand = (
  command: string[],
  env: Record<string, string>,
  needs: LaunchNeeds,
) => Launch | Promise<Launch>;
