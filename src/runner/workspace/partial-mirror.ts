import type { Clock } from '../../lib/clock.ts';
import type { Git } from './git.ts';
import { GitCommandError } from './git-command-error.ts';
import type { Remote } from './git-environment.ts';

/** Which contents of the commits have to be there. */
export type WantedContents = {
  isWanted(path: string): boolean;
  /** Also those in which the commits differ, and those of what they have in common: for merging them. */
  toMerge: boolean;
};

const RETRY_WAITS_MS = [1000, 3000];
/** What is read of every commit, wherever it stands: it says how the files are treated. */
const ALWAYS_WANTED = /(?:^|\/)\.git(?:ignore|attributes|modules)$/;

/**
 * How to fetch into a mirror of which contents are left out. The address is told on the command line only: nothing that later runs there
 * can fetch by itself, with or without a token.
 */
export function toPartialFetch(
  remote: Remote,
  options: readonly string[],
  refs: readonly string[],
): string[] {
  return [
    '-c',
    `remote.origin.url=${remote.url}`,
    'fetch',
    '--filter=blob:none',
    ...options,
    'origin',
    ...refs,
  ];
}

/**
 * Fetches the contents that are not there yet, all at once: later nothing can ask for them one by one. Call it in the mirror's turn. Throws
 * `GitCommandError` when the remote can't be reached or does not give them.
 */
export async function fetchContents(
  mirror: string,
  request: {
    commits: readonly string[];
    contents: WantedContents;
    remote: () => Promise<Remote>;
    signal: AbortSignal;
  },
  { git, clock }: { git: Git; clock: Clock },
): Promise<void> {
  const { signal, contents } = request;
  const place = { gitDir: mirror, signal };
  const commits = contents.toMerge ? [...request.commits, ...(await findMergeBases())] : request.commits;

  for (let tries = 0; ; tries += 1) {
    const missing = await findMissing();
    if (missing.length === 0) return;
    const remote = await request.remote();
    // As git itself fetches what it lacks: by name, and without telling what is there, since that lacks contents as well.
    const options = ['--no-tags', '--no-write-fetch-head', '--quiet', '--stdin'];
    const args = ['-c', 'fetch.negotiationAlgorithm=noop', ...toPartialFetch(remote, options, [])];
    const input = `${missing.join('\n')}\n`;
    const { exitCode, output } = await git.runRemote(args, remote, { ...place, input });
    if (exitCode === 0 && (await findMissing()).length === 0) return;
    const waitMs = RETRY_WAITS_MS[tries];
    if (waitMs === undefined) throw new GitCommandError({ args: ['fetch'], exitCode, output });
    await clock.sleep(waitMs, signal);
  }

  async function findMergeBases(): Promise<string[]> {
    const [ours, theirs] = request.commits;
    if (ours === undefined || theirs === undefined) return [];
    // 1: they have nothing in common.
    return toLines(await git.run(['merge-base', '--all', ours, theirs], { ...place, alsoFine: 1 }));
  }

  async function findMissing(): Promise<string[]> {
    const trees = commits.map((commit) => `${commit}^{tree}`);
    const listed = await git.run(
      ['rev-list', '--objects', '--no-object-names', '--missing=print', ...trees],
      place,
    );
    const missing = new Set(toLines(listed).flatMap((line) => (line.startsWith('?') ? [line.slice(1)] : [])));
    if (missing.size === 0) return [];
    const wanted = new Set<string>();
    for (const commit of request.commits) {
      for (const { path, objectId } of await listContents(commit)) {
        if (contents.isWanted(path) || ALWAYS_WANTED.test(path)) wanted.add(objectId);
      }
    }
    if (contents.toMerge) for (const objectId of await listDiffering()) wanted.add(objectId);
    return [...missing].filter((objectId) => wanted.has(objectId));
  }

  async function listContents(commit: string): Promise<{ path: string; objectId: string }[]> {
    const listed = await git.run(['ls-tree', '-r', '-z', commit], place);
    return listed.split('\0').flatMap((line) => {
      const [, objectId, path] = /^\d{6} blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      return objectId === undefined || path === undefined ? [] : [{ path, objectId }];
    });
  }

  async function listDiffering(): Promise<string[]> {
    const [first, ...others] = commits;
    const found: string[] = [];
    for (const other of others) {
      const args = ['diff-tree', '-r', '--no-renames', '--no-abbrev', '--raw', first ?? other, other];
      for (const line of toLines(await git.run(args, place))) found.push(...line.split(' ').slice(2, 4));
    }
    return found;
  }
}

function toLines(output: string): string[] {
  return output.split('\n').filter((line) => line !== '');
}
