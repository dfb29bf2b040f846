import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '../lib/run-command.ts';
import { toOneLine } from '../lib/strip-control.ts';
import { type MachineEnv, pickVariables } from './agents/agent-environment.ts';
import { findExecutable } from './agents/find-executable.ts';
import { NO_SANDBOX, type Sandbox } from './sandbox/sandbox.ts';

const PROBE_TIMEOUT_MS = 10_000;

/** A program that work may need. */
export type Toolchain = {
  /** Its capability; a specialty of the same name needs it. */
  name: string;
  /** How to ask for the version. The first that answers counts. */
  commands: readonly (readonly [string, ...string[]])[];
  /** Debian packages that bring it; empty = Debian has none, see `from`. */
  packages: readonly string[];
  /** Where it comes from when not from Debian. */
  from?: string;
};

/** Everything that is looked for on a machine, by runner and doctor alike. */
export const TOOLCHAINS: readonly Toolchain[] = [
  { name: 'git', commands: [['git', '--version']], packages: ['git'] },
  { name: 'node', commands: [['node', '--version']], packages: ['nodejs'] },
  { name: 'npm', commands: [['npm', '--version']], packages: ['npm'] },
  { name: 'pnpm', commands: [['pnpm', '--version']], packages: [], from: 'npm install --global pnpm' },
  { name: 'yarn', commands: [['yarn', '--version']], packages: [], from: 'npm install --global yarn' },
  {
    name: 'python',
    commands: [
      ['python3', '--version'],
      ['python', '--version'],
    ],
    packages: ['python3', 'python3-venv', 'python3-pip'],
  },
  { name: 'uv', commands: [['uv', '--version']], packages: [], from: 'https://docs.astral.sh/uv/' },
  { name: 'go', commands: [['go', 'version']], packages: ['golang'] },
  { name: 'cargo', commands: [['cargo', '--version']], packages: ['cargo'] },
  { name: 'java', commands: [['java', '--version']], packages: ['default-jdk-headless'] },
  { name: 'maven', commands: [['mvn', '--version']], packages: ['maven'] },
  { name: 'gradle', commands: [['gradle', '--version']], packages: ['gradle'] },
  { name: 'ruby', commands: [['ruby', '--version']], packages: ['ruby', 'bundler'] },
  { name: 'php', commands: [['php', '--version']], packages: ['php-cli', 'composer'] },
  {
    name: 'dotnet',
    commands: [['dotnet', '--version']],
    packages: [],
    from: 'https://learn.microsoft.com/dotnet/core/install/linux-debian',
  },
  { name: 'make', commands: [['make', '--version']], packages: ['make'] },
  { name: 'gcc', commands: [['gcc', '--version']], packages: ['build-essential'] },
  { name: 'psql', commands: [['psql', '--version']], packages: ['postgresql'] },
  { name: 'redis', commands: [['redis-server', '--version']], packages: ['redis-server'] },
  { name: 'sqlite', commands: [['sqlite3', '--version']], packages: ['sqlite3'] },
  {
    name: 'chromium',
    commands: [
      ['chromium', '--version'],
      ['google-chrome', '--version'],
    ],
    packages: ['chromium'],
  },
  { name: 'firefox', commands: [['firefox', '--version']], packages: ['firefox-esr'] },
  { name: 'xvfb', commands: [['Xvfb', '-help']], packages: ['xvfb'] },
  // The server’s version: a client without one is of no use.
  {
    name: 'docker',
    commands: [['docker', 'version', '--format', '{{.Server.Version}}']],
    packages: ['docker.io'],
  },
  { name: 'podman', commands: [['podman', '--version']], packages: ['podman'] },
  { name: 'ansible', commands: [['ansible', '--version']], packages: ['ansible'] },
  {
    name: 'terraform',
    commands: [
      ['terraform', 'version'],
      ['tofu', 'version'],
    ],
    packages: [],
    from: 'https://opentofu.org/docs/intro/install/',
  },
  {
    name: 'kubectl',
    commands: [['kubectl', 'version', '--client']],
    packages: [],
    from: 'https://kubernetes.io/docs/tasks/tools/',
  },
  {
    name: 'helm',
    commands: [['helm', 'version', '--short']],
    packages: [],
    from: 'https://helm.sh/docs/intro/install/',
  },
  { name: 'shellcheck', commands: [['shellcheck', '--version']], packages: ['shellcheck'] },
  { name: 'jq', commands: [['jq', '--version']], packages: ['jq'] },
];

/** What came of looking for one. */
export type ToolchainFinding =
  | { kind: 'found'; version: string; path: string }
  /** It is on the machine, but does not answer where agents and tests run. */
  | { kind: 'broken'; path: string; words: string }
  | { kind: 'missing' };

export type ToolchainProbe = {
  machineEnv: MachineEnv;
  /** What is put around each probe: what agents and tests can’t start, is not there for them. */
  sandbox?: Pick<Sandbox, 'wrap' | 'kind'>;
  /** An existing folder that probes may write in. */
  folder: string;
};

/** Looks for all of them at once, in their order. */
export async function probeToolchains(
  probe: ToolchainProbe,
  toolchains: readonly Toolchain[] = TOOLCHAINS,
): Promise<{ toolchain: Toolchain; finding: ToolchainFinding }[]> {
  return await Promise.all(
    toolchains.map(async (toolchain) => ({ toolchain, finding: await probeToolchain(toolchain, probe) })),
  );
}

async function probeToolchain({ commands }: Toolchain, probe: ToolchainProbe): Promise<ToolchainFinding> {
  let last: ToolchainFinding = { kind: 'missing' };
  for (const command of commands) {
    const file = await findExecutable(command[0], probe.machineEnv['PATH'] ?? '');
    // Not started at all: most programs are not on most machines.
    if (file === null) continue;
    const answer = await ask(command, probe);
    if (answer.ok) return { kind: 'found', version: answer.words, path: file };
    if (last.kind === 'missing') last = { kind: 'broken', path: file, words: answer.words };
  }
  return last;
}

/** The first line of the output, or why there is none. */
async function ask(
  command: readonly string[],
  { machineEnv, sandbox = NO_SANDBOX, folder }: ToolchainProbe,
): Promise<{ ok: boolean; words: string }> {
  const isInside = sandbox.kind === 'bubblewrap';
  const env = {
    ...pickVariables(machineEnv, ['PATH', 'HOME', 'JAVA_HOME']),
    // As for agents, who don't have the home of the runner.
    ...(isInside ? { HOME: path.join(folder, 'home') } : {}),
  };
  if (isInside) await mkdir(path.join(folder, 'home'), { recursive: true });
  const launch = await sandbox.wrap([...command], env, {
    workspace: folder,
    home: isInside ? path.join(folder, 'home') : folder,
    temp: folder,
    readable: [],
    programs: [],
    sockets: [],
    network: 'none',
  });
  const result = await runCommand({
    ...launch,
    cwd: folder,
    timeoutMs: PROBE_TIMEOUT_MS,
    killGraceMs: 500,
    maxOutputBytes: 4096,
  });
  if (result.exitCode === 0) {
    const line = result.outputTail.split('\n').find((text) => /\d/.test(text)) ?? result.outputTail;
    return { ok: true, words: toOneLine(line, 80) };
  }
  const words = result.timedOut ? 'no answer in time' : (result.spawnError?.message ?? result.outputTail);
  return { ok: false, words: toOneLine(words, 200) || `exit ${result.exitCode ?? result.signal}` };
}
