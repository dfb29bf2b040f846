/**
 * `npm run test:agents`: the drivers against the real command lines, with scripted models on loopback; no account, no
 * money. The programs are large and partly proprietary, so they are no dependencies: each is installed once into a cache
 * outside this folder. One that can't be had (no network) is said loudly, and its tests are skipped. Arguments go to vitest.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

type RealAgent = {
  /** In the environment of the tests: where the program is. */
  variable: string;
  name: string;
  packageName: string;
  version: string;
  /** In the folder of the installation. No install scripts run, so packages' own stubs are passed by. */
  program: string;
};

const PLATFORM = `${process.platform}-${process.arch}`;
/** Rust's name for this machine, under which Codex keeps its program. */
const TRIPLE = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-musl`;

const AGENTS: readonly RealAgent[] = [
  {
    variable: 'YARDMASTER_REAL_CLAUDE',
    name: 'claude-code',
    packageName: '@anthropic-ai/claude-code',
    version: '2.1.330',
    program: `node_modules/@anthropic-ai/claude-code-${PLATFORM}/claude`,
  },
  {
    variable: 'YARDMASTER_REAL_CODEX',
    name: 'codex',
    packageName: '@openai/codex',
    version: '0.169.0',
    program: `node_modules/@openai/codex-${PLATFORM}/vendor/${TRIPLE}/bin/codex`,
  },
  {
    variable: 'YARDMASTER_REAL_GEMINI',
    name: 'gemini-cli',
    packageName: '@google/gemini-cli',
    version: '0.61.0',
    program: 'node_modules/.bin/gemini',
  },
  {
    variable: 'YARDMASTER_REAL_OPENCODE',
    name: 'opencode',
    packageName: 'opencode-ai',
    version: '1.18.33',
    program: `node_modules/opencode-${PLATFORM}/bin/opencode`,
  },
];

const root = path.resolve(import.meta.dirname, '..');
const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'yardmaster-test');

function install(agent: RealAgent, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(path.join(cache, 'installing-'));
  try {
    const args = ['install', '--prefix', unfinished, '--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', [...args, `${agent.packageName}@${agent.version}`], {
      cwd: unfinished,
      stdio: 'pipe',
    });
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** The program's path when it runs, otherwise why it doesn't. */
function provide(agent: RealAgent): { ok: true; program: string } | { ok: false; why: string } {
  const folder = path.join(cache, `${agent.name}-${agent.version}`);
  const program = path.join(folder, agent.program);
  try {
    if (!existsSync(program)) install(agent, folder);
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
    return version.includes(agent.version)
      ? { ok: true, program }
      : { ok: false, why: `it says that it is ${version.trim()}` };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}

const found: Record<string, string> = {};
for (const agent of AGENTS) {
  const provided = provide(agent);
  if (provided.ok) {
    found[agent.variable] = provided.program;
  } else {
    process.stderr.write(
      `\n*** SKIPPED: ${agent.name} ${agent.version} is not to be had here, its driver is NOT tested: ${provided.why}\n\n`,
    );
  }
}
if (Object.keys(found).length === 0) process.exit(0);
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', 'vitest.agents.config.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...found } },
);
process.exit(status ?? 1);
