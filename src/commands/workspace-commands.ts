import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { formatCount, formatDuration } from '../domain/figures-text.ts';
import { systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import { type Cell, toTable } from '../lib/terminal-table.ts';
import { ControlError, createControlClient } from '../runner/control/control-client.ts';
import { takeWorkspaceLock } from '../runner/lock.ts';
import { createWorkspaces } from '../runner/workspace/create-workspaces.ts';
import type { InventoryItem } from '../runner/workspace/inventory.ts';
import type { Workspaces } from '../runner/workspace/workspace-types.ts';
import type { CommandLine } from './command-line.ts';
import { configOption, readRoot } from './runner-config-option.ts';

const DAY_MS = 24 * 60 * 60_000;
const DEFAULT_DAYS = 14;

/** `yardmaster runner workspace …`: what takes room on this machine. */
export function addWorkspaceCommands(runner: Command, cli: CommandLine): void {
  const workspace = runner
    .command('workspace')
    .description(
      'what takes room on this machine: workspaces, what is kept of them for next rounds, mirrors, patches',
    );

  workspace
    .command('list')
    .description('what takes room, how much, when it was used last, and whether it is in use')
    .option('--json', 'for machines', false)
    .addOption(configOption())
    .addHelpText('after', '\nExample:\n  yardmaster runner workspace list')
    .action(async (options: { json: boolean; config: string }) => {
      const items = await withWorkspaces(options.config, (workspaces) => workspaces.inventory());
      cli.print(options.json ? JSON.stringify({ items }, null, 2) : describeItems(items));
    });

  workspace
    .command('open')
    .description('print the folder of a workspace, or start a shell there')
    .argument('[name]', 'enough of the end of its name to be the only one (default: the only workspace)')
    .option('--shell', 'start a shell there, in which git is turned off', false)
    .addOption(configOption())
    .addHelpText(
      'after',
      `
What lies there was written by an agent: git commands in it, also those of a shell's prompt, run what it put into .git.

Examples:
  ls "$(yardmaster runner workspace open 8d2c41f0)"
  yardmaster runner workspace open 8d2c41f0 --shell`,
    )
    .action(async (name: string | undefined, options: { shell: boolean; config: string }) => {
      const items = await withWorkspaces(options.config, (workspaces) => workspaces.inventory());
      const folder = chooseItem(items, name).path;
      if (!options.shell) {
        cli.print(folder);
        return;
      }
      cli.complain(
        `${folder}: an agent wrote this, and git commands would run what it put into .git. So git is turned off here; “unset GIT_DIR” turns it on, “exit” leaves.`,
      );
      const shell = spawn(cli.environment['SHELL'] || '/bin/sh', {
        cwd: folder,
        stdio: 'inherit',
        // Many prompts ask git for its state before anybody has typed anything.
        env: { ...cli.environment, GIT_DIR: '/nonexistent' },
      });
      await once(shell, 'exit');
    });

  workspace
    .command('prune')
    .description('remove what is not in use: left-over workspaces, and what was not used lately of the rest')
    .option(
      '--older-than <days>',
      'mirrors, patches, what was set aside and what is kept for next rounds, not used for so long',
      toDays,
      DEFAULT_DAYS,
    )
    .option('--dry-run', 'only say what would go', false)
    .option('--json', 'for machines', false)
    .addOption(configOption())
    .addHelpText(
      'after',
      `
What an attempt under way uses never goes, and the runner may run meanwhile. Mirrors are fetched anew when they are needed, and a round of a
pull request whose workspace is gone begins anew.

Examples:
  yardmaster runner workspace prune --dry-run
  yardmaster runner workspace prune --older-than 0`,
    )
    .action(async (options: { olderThan: number; dryRun: boolean; json: boolean; config: string }) => {
      const { olderThan, dryRun: isDryRun } = options;
      const items = await withWorkspaces(options.config, (workspaces) =>
        workspaces.prune({ unusedMs: olderThan * DAY_MS, isDryRun }),
      );
      cli.print(
        options.json ? JSON.stringify({ isDryRun, items }, null, 2) : describePruning(items, isDryRun),
      );
    });

  /** By the runner where it runs, since only it knows what it holds; otherwise here, with its lock. */
  async function withWorkspaces<T>(
    file: string,
    use: (workspaces: Pick<Workspaces, 'inventory' | 'prune'>) => Promise<T>,
  ): Promise<T> {
    const root = await readRoot(file, cli.environment);
    const client = createControlClient(root);
    try {
      return await use({ inventory: client.workspaces, prune: client.prune });
    } catch (error) {
      if (!(error instanceof ControlError && error.isAway)) throw error;
    }
    return await useAlone(root, use);
  }

  async function useAlone<T>(root: string, use: (workspaces: Workspaces) => Promise<T>): Promise<T> {
    if (!existsSync(root)) throw new ControlError(`there is no ${root} yet: no runner has worked here.`);
    const taken = await takeWorkspaceLock(path.join(root, '.yardmaster'));
    if (!taken.ok) throw new ControlError(taken.problem);
    try {
      const log = createLogger({ level: 'silent', format: 'json', redact: (text) => text });
      return await use(createWorkspaces({ root, log, machineEnv: cli.environment }));
    } finally {
      taken.lock.release();
    }
  }
}

function describeItems(items: readonly InventoryItem[]): string {
  if (items.length === 0) return 'Nothing is there yet.';
  const nowMs = systemClock.nowMs();
  return toTable([
    ['SIZE', 'KIND', 'LAST USE', 'IN USE', 'NAME'],
    ...items.map((item): Cell[] => [
      toSize(item.bytes),
      item.kind,
      `${formatDuration(Math.max(0, nowMs - item.usedMs))} ago`,
      item.isInUse ? { text: 'yes', style: 'cyan' } : 'no',
      item.name,
    ]),
  ]);
}

function describePruning(items: readonly InventoryItem[], isDryRun: boolean): string {
  if (items.length === 0) return 'Nothing to remove.';
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  const lines = items.map((item) => `${item.kind}  ${item.name}  ${toSize(item.bytes)}`);
  const sum = `${formatCount(items.length, 'thing')}, ${toSize(bytes)}`;
  return [...lines, isDryRun ? `Would remove ${sum}.` : `Removed ${sum}.`].join('\n');
}

/** Workspaces first: they are what people want to look at. */
function chooseItem(items: readonly InventoryItem[], name: string | undefined): InventoryItem {
  const workspaces = items.filter(({ kind }) => kind === 'workspace');
  const found = name === undefined ? workspaces : items.filter((item) => item.name.endsWith(name));
  const [item] = found;
  if (item !== undefined && found.length === 1) return item;
  const hint = '“yardmaster runner workspace list” tells what is there';
  if (found.length === 0) {
    throw new ControlError(
      name === undefined ? `there is no workspace now; ${hint}` : `nothing ends in “${name}”; ${hint}`,
    );
  }
  throw new ControlError(
    `${found.length} ${name === undefined ? 'workspaces are there' : `names end in “${name}”`}; name one of them: ${hint}`,
  );
}

function toSize(bytes: number): string {
  if (bytes < 1024 ** 2) return `${Math.ceil(bytes / 1024)} KiB`;
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}

function toDays(text: string): number {
  const days = Number(text);
  if (text.trim() === '' || !(days >= 0))
    throw new InvalidArgumentError('It must be a number of days, 0 or more.');
  return days;
}
