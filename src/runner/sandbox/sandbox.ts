import { stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { extname, join } from 'node:path';
import process from 'node:process';
import { certificatePaths, type MachineEnv } from '../agents/agent-environment.ts';
import { findExecutable } from '../agents/find-executable.ts';
import { toBubblewrapArguments } from './bubblewrap-arguments.ts';
import { SANDBOX_MODEL_PORT } from './launch.ts';
import type { Launch, LaunchNeeds, NetworkAccess, WrapCommand } from './launch.ts';
import { isWithin } from './paths.ts';
import { type OwnLimits, readOwnLimits, toPrlimitOptions } from './resource-limits.ts';
import { toSeccompFilter } from './seccomp-filter.ts';
import { writeSandboxFiles } from './sandbox-files.ts';
import type { SandboxSettings } from './sandbox-settings.ts';
import { findToolchains, mergeToolchains, showProgram } from './toolchain-paths.ts';

/** What is put around agents, set-up and tests. */
export type Sandbox = {
  kind: 'bubblewrap' | 'none';
  wrap: WrapCommand;
};

/** Where nothing is put around anything. */
export const NO_SANDBOX: Sandbox = { kind: 'none', wrap: (command, env) => ({ command, env }) };

export type SandboxOptions = {
  settings: Pick<SandboxSettings, 'readable' | 'limits'>;
  /** Of the runner; PATH says what the machine has. */
  machineEnv: MachineEnv;
  /** Never shown. */
  homeFolder: string;
  workspaceRoot: string;
  /** Files and folders of the runner that stay hidden wherever they are: configuration, keys, logins. */
  secretPaths: readonly string[];
  /** A folder of the runner's own, for what the sandbox has in place of the machine's files. */
  stateFolder: string;
  /** The Node.js that runs the runner. */
  nodeExecutable: string;
};

/** Programs of the sandbox itself; `null` = not on this machine. */
type Tools = { bwrap: string; env: string; prlimit: string; sh: string };

/** On the loopback of each sandbox, where nothing else can be in the way. */
const PROXY_PORT = 3128;
const SOCKET_FOLDER = '/run/yardmaster';
const FORWARDER = join(import.meta.dirname, `forward-to-proxy${extname(import.meta.filename)}`);
/** A file without a package.json around it has to say by its name that it is a module. It is JavaScript before it is compiled, too. */
const FORWARDER_INSIDE = `${SOCKET_FOLDER}/forward-to-proxy.mjs`;
const PROXY_URL = `http://127.0.0.1:${PROXY_PORT}`;
/** Loopback, and what Claude Code calls the gateway: the proxy knows nothing of them. */
const NO_PROXY = 'localhost,127.0.0.1,::1,model.local';
/** How programs learn of the proxy. */
const PROXY_ENVIRONMENT: Readonly<Record<string, string>> = {
  HTTP_PROXY: PROXY_URL,
  HTTPS_PROXY: PROXY_URL,
  http_proxy: PROXY_URL,
  https_proxy: PROXY_URL,
  NO_PROXY,
  no_proxy: NO_PROXY,
  npm_config_proxy: PROXY_URL,
  npm_config_https_proxy: PROXY_URL,
  // Java knows no proxy variables.
  JAVA_TOOL_OPTIONS: [
    ...['http', 'https'].flatMap((scheme) => [
      `-D${scheme}.proxyHost=127.0.0.1`,
      `-D${scheme}.proxyPort=${PROXY_PORT}`,
    ]),
    // Maven looks at these from 3.9 on only when it is told to; from 3.10 on by another name.
    '-Daether.connector.http.useSystemProperties=true',
    '-Daether.transport.apache.useSystemProperties=true',
  ].join(' '),
};
const PROXY_VARIABLE = /^(https?|all|no)_proxy$/i;

/**
 * Bubblewrap around commands. Whatever runs inside dies with bubblewrap, which dies with the runner: the PID namespace goes away
 * with all that is in it. SIGTERM to the process group passes bubblewrap by and reaches the command, so that it can tidy up.
 *
 * Answers which program is missing when the machine can't do it; whether the kernel lets it is for `checkSandbox`.
 */
export async function createBubblewrap(
  options: SandboxOptions,
): Promise<{ ok: true; sandbox: Sandbox } | { ok: false; missing: string }> {
  const { machineEnv, settings, workspaceRoot } = options;
  const path = machineEnv['PATH'] ?? '';
  const tools = await findTools(path);
  if (!tools.ok) return tools;
  const { found } = tools;
  const own = await readOwnLimits();
  const files = await writeSandboxFiles(options.stateFolder);
  const filter = await writeSeccompFilter(options.stateFolder);
  const maxMemoryBytes = settings.limits.memoryBytes ?? Math.floor(MEMORY_SHARE * readMemoryBytes());
  const hidden = [options.homeFolder, workspaceRoot, ...options.secretPaths];
  const node = await findExecutable('node', path);
  const toolchains = await findToolchains({
    path,
    homeFolder: options.homeFolder,
    hidden,
    programs: [options.nodeExecutable, ...(node === null ? [] : [node])],
  });

  async function wrap(command: string[], env: Record<string, string>, needs: LaunchNeeds): Promise<Launch> {
    const programs = await Promise.all(needs.programs.map((program) => showProgram(program, hidden)));
    const seen = mergeToolchains([
      toolchains,
      ...programs,
      {
        folders: [
          ...settings.readable,
          ...certificatePaths(env),
          ...(needs.network === 'host' ? HOST_NETWORK_FILES : []),
        ],
        links: [],
      },
    ]);
    const covered = await findCovered(options.secretPaths, seen.folders);
    const forwarding = toForwarding(needs.network, options.nodeExecutable);
    const bubblewrap = toBubblewrapArguments({
      toolchains: seen,
      hiddenFolders: [workspaceRoot, ...covered.folders],
      hiddenFiles: covered.files,
      readable: needs.readable,
      files: [
        ...files.filter(({ at }) => needs.network !== 'host' || !HOST_NETWORK_FILES.includes(at)),
        ...needs.sockets.map(({ file, inside }) => ({ from: file, at: inside })),
        ...forwarding.files,
      ],
      writable: [
        needs.workspace,
        needs.home,
        needs.temp,
        ...(needs.agent === undefined ? [] : [needs.agent]),
      ],
      workingFolder: needs.workspace,
      hasNetworkOfHost: needs.network === 'host',
    });
    return {
      command: [
        ...toCommandStart(found, bubblewrap, settings, own, filter),
        ...forwarding.command,
        ...command,
      ],
      env: toEnvironment(env, needs.network, forwarding.env),
      maxMemoryBytes,
    };
  }

  return { ok: true, sandbox: { kind: 'bubblewrap', wrap } };
}

/** Name resolution of the machine, for whom the machine's network is open. */
const HOST_NETWORK_FILES = ['/etc/hosts', '/etc/resolv.conf'];

/** A sandbox that takes more would leave nothing for the runner and its other jobs. */
const MEMORY_SHARE = 0.75;

/** What the machine has, or the container or unit that the runner is in. */
function readMemoryBytes(): number {
  // Without a limit it is 0 or beyond all memory.
  return Math.min(os.totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/** `null` where none is known for this machine. */
async function writeSeccompFilter(folder: string): Promise<string | null> {
  const filter = toSeccompFilter(process.arch);
  if (filter === null) return null;
  const file = join(folder, 'seccomp.bpf');
  await writeFile(file, filter);
  return file;
}

/** Makes the kernel take this before all else when the machine is out of memory, and opens the filter for bubblewrap. */
const PREPARE = 'echo 1000 > /proc/self/oom_score_adj; exec "$@"';
const FILTER_DESCRIPTOR = 9;

/**
 * Bubblewrap ignores SIGTERM, which would end it, and with it everything, at once; the command inside gets the default back. A shell goes
 * first and becomes the rest; nothing of its script is put together.
 */
function toCommandStart(
  tools: Tools,
  bubblewrap: readonly string[],
  settings: Pick<SandboxSettings, 'limits'>,
  own: OwnLimits,
  filter: string | null,
): string[] {
  const shell = filter === null ? [PREPARE, 'sh'] : [`${PREPARE} ${FILTER_DESCRIPTOR}<"$0"`, filter];
  const seccomp = filter === null ? [] : ['--seccomp', String(FILTER_DESCRIPTOR)];
  return [
    [tools.sh, '-c', ...shell],
    [tools.env, '--ignore-signal=TERM', tools.bwrap, ...bubblewrap, ...seccomp, '--'],
    [tools.env, '--default-signal=TERM', tools.prlimit, ...toPrlimitOptions(settings.limits, own), '--'],
  ].flat();
}

/** Inside there is only a loopback of its own: something has to listen there and speak to the runner's sockets. */
function toForwarding(
  network: NetworkAccess,
  nodeExecutable: string,
): { command: string[]; files: { from: string; at: string }[]; env: Readonly<Record<string, string>> } {
  if (typeof network === 'string') return { command: [], files: [], env: {} };
  const { proxySocket, modelSocket } = network;
  const ways = [
    { from: proxySocket, at: `${SOCKET_FOLDER}/proxy.sock`, port: PROXY_PORT },
    { from: modelSocket, at: `${SOCKET_FOLDER}/model.sock`, port: SANDBOX_MODEL_PORT },
  ].flatMap(({ from, ...way }) => (from === undefined ? [] : [{ from, ...way }]));
  const listing = ways.map(({ port, at }) => `${port}=${at}`).join(',');
  return {
    command: [nodeExecutable, FORWARDER_INSIDE, listing],
    files: [{ from: FORWARDER, at: FORWARDER_INSIDE }, ...ways],
    env: proxySocket === undefined ? {} : PROXY_ENVIRONMENT,
  };
}

function toEnvironment(
  env: Readonly<Record<string, string>>,
  network: NetworkAccess,
  additions: Readonly<Record<string, string>>,
): Record<string, string> {
  if (network === 'host') return { ...env };
  // Proxies of the machine can't be reached from inside.
  const kept = Object.entries(env).filter(([name]) => !PROXY_VARIABLE.test(name));
  return { ...Object.fromEntries(kept), ...additions };
}

/** Those of `secrets` that lie in a folder that is shown, so that something has to be put over them. */
async function findCovered(
  secrets: readonly string[],
  shown: readonly string[],
): Promise<{ folders: string[]; files: string[] }> {
  const covered = { folders: [] as string[], files: [] as string[] };
  for (const path of secrets) {
    if (!shown.some((folder) => isWithin(path, folder))) continue;
    // What isn't there needs no cover.
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) covered.folders.push(path);
    else if (found !== null) covered.files.push(path);
  }
  return covered;
}

async function findTools(path: string): Promise<{ ok: true; found: Tools } | { ok: false; missing: string }> {
  const find = async (name: string): Promise<string | null> => await findExecutable(name, path);
  const [bwrap, env, prlimit] = [await find('bwrap'), await find('env'), await find('prlimit')];
  const sh = await find('sh');
  if (bwrap === null) return { ok: false, missing: 'bwrap' };
  if (env === null) return { ok: false, missing: 'env' };
  if (prlimit === null) return { ok: false, missing: 'prlimit' };
  if (sh === null) return { ok: false, missing: 'sh' };
  return { ok: true, found: { bwrap, env, prlimit, sh } };
}
