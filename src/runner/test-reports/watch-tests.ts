import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../contract/command-run.ts';
import type { Clock } from '../../lib/clock.ts';
import { stripControl, toOneLine } from '../../lib/strip-control.ts';
import { asObject, parseObject } from '../analysis/ecosystem.ts';
import { openRepositoryFiles } from '../analysis/repository-files.ts';
import type { Workspace } from '../workspace/workspace-types.ts';
import { type CaseReport, createCaseCollector } from './case-report.ts';
import { NODE_REPORTER } from './node-reporter.ts';
import { readCargoLines, readGoLines } from './read-case-lines.ts';
import { readReports } from './read-reports.ts';
import { findScriptFolder, findScriptName, NODE_REPORTER_FILE, wantReports } from './want-reports.ts';

const MAX_NAME = 300;
const NOTHING_KNOWN = { script: null, globalJson: null };

/** One test command under watch. */
export type TestWatch = {
  /** What is to be run in place of the command, and what is added to its environment. */
  command: string[];
  env: Record<string, string>;
  onLine(line: string, stream: 'stdout' | 'stderr'): void;
  /** Once nothing of it runs any more: its single tests; `null` when it told of none. */
  end(): Promise<CaseReport | null>;
};

export type WatchTests = (command: Command) => Promise<TestWatch>;

/**
 * Watches test commands of a workspace for their single tests. The reports are written into a folder of the attempt's own TMPDIR, which
 * the command may fill with anything: they are read with caps, and count only as what the repository's tests say of themselves.
 */
export function createTestWatcher(options: {
  workspace: Pick<Workspace, 'folder' | 'tempFolder'>;
  redact: (text: string) => string;
  clock: Clock;
  /** Runs a command as the tests are run, and tells whether it ended well. */
  tryOut: (command: string[], env: Record<string, string>) => Promise<boolean>;
}): WatchTests {
  const { workspace, redact, clock } = options;
  const reportFolder = join(workspace.tempFolder, 'yardmaster-reports');
  let nodeTakesReporter: boolean | null = null;

  async function tryNode(): Promise<boolean> {
    const { env } = wantReports(['node'], { ...NOTHING_KNOWN, reportFolder, nodeTakesReporter: true });
    return await options.tryOut(['node', '--eval', ''], env);
  }

  function cleanName(name: string): string {
    return redact(toOneLine(name.replaceAll(`${workspace.folder}/`, ''), MAX_NAME)).slice(0, MAX_NAME);
  }

  function cleanText(text: string): string {
    return redact(stripControl(text.replaceAll(`${workspace.folder}/`, '')));
  }

  return async (command) => {
    // A folder that an earlier command made something else of goes with it.
    await rm(reportFolder, { recursive: true, force: true });
    await mkdir(reportFolder, { recursive: true });
    await writeFile(join(reportFolder, NODE_REPORTER_FILE), NODE_REPORTER);
    nodeTakesReporter ??= await tryNode();

    const script = await readScript(workspace.folder, command);
    const globalJson = await readGlobalJson(workspace.folder, command);
    const wanted = wantReports(command, { reportFolder, script, nodeTakesReporter, globalJson });
    const into = createCaseCollector(cleanName, cleanText);
    const read =
      wanted.lines === 'cargo' ? readCargoLines(into) : wanted.lines === 'go' ? readGoLines(into) : null;
    const startedAtMs = clock.nowMs();
    return {
      command: wanted.command,
      env: wanted.env,
      onLine: (line, stream) => read?.(line, stream),
      end: async () => {
        await readReports(wanted, { reportFolder, folder: workspace.folder, startedAtMs }, into);
        const report = into.report();
        return report.cases.size === 0 ? null : report;
      },
    };
  };
}

/** Commands are run at the root of the work tree. */
async function readGlobalJson(folder: string, [program]: Command): Promise<string | null> {
  if (program !== 'dotnet') return null;
  return await (await openRepositoryFiles(folder, ['global.json'])).read('global.json');
}

/** The text of the script that the command runs; `null` when it runs none, or it can't be read. */
export async function readScript(folder: string, command: Command): Promise<string | null> {
  const name = findScriptName(command);
  if (name === null) return null;
  const place = findScriptFolder(command);
  const manifest = command[0] === 'composer' ? 'composer.json' : 'package.json';
  const path = place === '' ? manifest : `${place}/${manifest}`;
  const files = await openRepositoryFiles(folder, [path]);
  const text = asObject(parseObject(await files.read(path))?.['scripts'])?.[name];
  // Composer takes lists, too, and gives arguments to each of its commands.
  const only: unknown = Array.isArray(text) && text.length === 1 ? text[0] : text;
  return typeof only === 'string' ? only : null;
}
