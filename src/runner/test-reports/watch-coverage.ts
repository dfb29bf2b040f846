import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from '../../contract/command-run.ts';
import type { Workspace } from '../workspace/workspace-types.ts';
import { type LineCoverage, parseCoverage, toRepositoryPaths } from './parse-coverage.ts';
import { MAX_FILE_BYTES, readPlainFile } from './read-reports.ts';
import { wantCoverage, type WantedCoverage } from './want-coverage.ts';
import { findScriptFolder } from './want-reports.ts';
import { readScript, type WatchTests } from './watch-tests.ts';

/**
 * Watches test commands for the lines of `paths` that they run, which end up in `into`. Commands that can't tell are run as they are, so
 * ask `wantsCoverage` before.
 */
export function createCoverageWatcher(
  workspace: Pick<Workspace, 'folder' | 'tempFolder'>,
  paths: readonly string[],
  into: LineCoverage,
): WatchTests {
  const reportFolder = toReportFolder(workspace);

  return async (command) => {
    await rm(reportFolder, { recursive: true, force: true });
    await mkdir(reportFolder, { recursive: true });
    const wanted = await findWanted(workspace, command);
    return {
      command: wanted?.command ?? [...command],
      env: wanted?.env ?? {},
      onLine: () => undefined,
      end: async () => {
        if (wanted === null) return null;
        const { kind, file } = wanted;
        const read = await readPlainFile(dirname(file), basename(file), MAX_FILE_BYTES, 0);
        if (read === null || read === 'older') return null;
        const found: LineCoverage = new Map();
        parseCoverage(kind, read.text, found);
        const where = { folder: workspace.folder, place: findScriptFolder(command), paths };
        for (const [path, lines] of toRepositoryPaths(found, where)) {
          const known = into.get(path) ?? new Map<number, boolean>();
          for (const [line, ran] of lines) known.set(line, ran || known.get(line) === true);
          into.set(path, known);
        }
        return null;
      },
    };
  };
}

/** Whether a command can be made to tell which lines it runs. */
export async function wantsCoverage(
  workspace: Pick<Workspace, 'folder' | 'tempFolder'>,
  command: Command,
): Promise<boolean> {
  return (await findWanted(workspace, command)) !== null;
}

async function findWanted(
  workspace: Pick<Workspace, 'folder' | 'tempFolder'>,
  command: Command,
): Promise<WantedCoverage | null> {
  const script = await readScript(workspace.folder, command);
  return wantCoverage(command, { reportFolder: toReportFolder(workspace), script });
}

function toReportFolder({ tempFolder }: Pick<Workspace, 'tempFolder'>): string {
  return join(tempFolder, 'yardmaster-coverage');
}
