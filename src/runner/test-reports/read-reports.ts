import { constants } from 'node:fs';
import { open, opendir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { CaseCollector } from './case-report.ts';
import { parseReport, type ReportKind } from './parse-report.ts';
import type { WantedReports } from './want-reports.ts';

/** In bytes: a report of 20,000 tests has about 5 MB. Parsing blocks, so all together are bounded, too. */
export const MAX_FILE_BYTES = 8 * 1024 ** 2;
const MAX_BYTES = 24 * 1024 ** 2;
const MAX_FILES = 500;
/** Entries of folders that are looked at, files or not. */
const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 6;

const BUILD_REPORT_FOLDER = /(^|\/)(?:target\/(?:surefire|failsafe)-reports|build\/test-results\/[^/]+)$/;
const SKIPPED_FOLDERS = new Set(['.git', 'node_modules', '.gradle', '.venv', 'src']);

/**
 * Reads what a command wrote of its tests. The files are the repository's: plain files only, no link is followed, nothing outside of the
 * folders is read, and no more than the caps allow; what is left out makes the collection incomplete. Nothing of the command may run
 * any more.
 */
export async function readReports(
  wanted: WantedReports,
  where: {
    reportFolder: string;
    /** The work tree, for Maven and Gradle. */
    folder: string;
    /** When the command was started, by the clock of the machine: older reports are not its own. */
    startedAtMs: number;
  },
  into: CaseCollector,
): Promise<void> {
  let bytesLeft = MAX_BYTES;
  let filesLeft = MAX_FILES;

  for await (const name of namesIn(where.reportFolder, into)) {
    const found = wanted.files.find(({ begins, ends }) => name.startsWith(begins) && name.endsWith(ends));
    if (found !== undefined) await read(where.reportFolder, name, found.kind, 0);
  }
  if (!wanted.buildReports) return;
  for (const folder of await findBuildReportFolders(where.folder, into)) {
    for await (const name of namesIn(folder, into)) {
      // Files have times of their own, which may be coarser than ours.
      if (/^TEST-.*\.xml$/.test(name)) await read(folder, name, 'junit', where.startedAtMs - 1000);
    }
  }

  async function read(folder: string, name: string, kind: ReportKind, notBeforeMs: number): Promise<void> {
    filesLeft -= 1;
    if (filesLeft < 0 || bytesLeft <= 0) return into.markIncomplete();
    const text = await readPlainFile(folder, name, Math.min(MAX_FILE_BYTES, bytesLeft), notBeforeMs);
    if (text === 'older') return;
    if (text === null) return into.markIncomplete();
    bytesLeft -= text.text.length;
    parseReport(kind, text.text, into);
  }
}

/** `null` when it is no plain file, too big, or can't be read. */
export async function readPlainFile(
  folder: string,
  name: string,
  maxBytes: number,
  notBeforeMs: number,
): Promise<{ text: string } | 'older' | null> {
  try {
    // Not blocking: a pipe of that name would wait for a writer for ever.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(folder, name), flags);
    try {
      const { size, mtimeMs } = await file.stat().then((stats) => (stats.isFile() ? stats : NOT_A_FILE));
      if (size > maxBytes) return null;
      if (mtimeMs < notBeforeMs) return 'older';
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
      return { text: buffer.toString('utf8', 0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}

const NOT_A_FILE = { size: Number.POSITIVE_INFINITY, mtimeMs: 0 };

async function* namesIn(folder: string, into: CaseCollector): AsyncGenerator<string> {
  let entries = 0;
  try {
    for await (const entry of await opendir(folder)) {
      entries += 1;
      if (entries > MAX_ENTRIES) {
        into.markIncomplete();
        break;
      }
      yield entry.name;
    }
  } catch (error) {
    // Not there: nothing was written.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/** Breadth first, through real folders only. */
async function findBuildReportFolders(root: string, into: CaseCollector): Promise<string[]> {
  const realRoot = await realpath(root);
  const found: string[] = [];
  let entries = 0;
  let folders = [''];
  for (let depth = 0; folders.length > 0 && depth <= MAX_DEPTH; depth += 1) {
    const below: string[] = [];
    for (const folder of folders) {
      // Between listing and here nothing ran; a link would not have been listed as a folder.
      for await (const entry of await opendir(join(realRoot, folder))) {
        entries += 1;
        if (entries > MAX_ENTRIES) {
          into.markIncomplete();
          return found;
        }
        if (!entry.isDirectory() || SKIPPED_FOLDERS.has(entry.name)) continue;
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (BUILD_REPORT_FOLDER.test(path)) found.push(realRoot + sep + path);
        else below.push(path);
      }
    }
    folders = below.toSorted();
  }
  return found;
}
