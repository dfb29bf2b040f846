/**
 * `npm run test:agents`: the drivers against the real Claude Code, with a scripted model on loopback; no account, no
 * money. The program is proprietary, so it is no dependency: it is installed once into a cache outside this folder.
 * Where that fails (no network), says so and ends well. Arguments go to vitest.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

const VERSION = '2.1.330';

const root = path.resolve(import.meta.dirname, '..');
const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'yardmaster-test');
const folder = path.join(cache, `claude-code-${VERSION}`);
/** The program itself. The package's own `bin` is a stub as long as no install script has run, and none shall. */
const executable = path.join(
  folder,
  `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`,
);

function install(): void {
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(path.join(cache, 'installing-'));
  try {
    const args = ['install', '--prefix', unfinished, '--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', [...args, `@anthropic-ai/claude-code@${VERSION}`], {
      cwd: unfinished,
      stdio: 'pipe',
    });
    rmSync(folder, { recursive: true, force: true });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** `null` when it runs, otherwise why it doesn't. */
function problem(): string | null {
  try {
    if (!existsSync(executable)) install();
    const version = execFileSync(executable, ['--version'], { encoding: 'utf8' });
    return version.startsWith(VERSION) ? null : `it says that it is ${version.trim()}`;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

const why = problem();
if (why !== null) {
  process.stderr.write(
    `\n*** SKIPPED: Claude Code ${VERSION} is not to be had here, nothing was tested: ${why}\n\n`,
  );
  process.exit(0);
}
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', 'vitest.agents.config.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, YARDMASTER_REAL_CLAUDE: executable } },
);
process.exit(status ?? 1);
