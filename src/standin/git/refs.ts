import type { Objects } from './objects.ts';
import type { Git } from './run-git.ts';

export type Ref = { name: string; sha: string; type: string };

/** Reads the refs of bare repositories. */
export function createRefs(deps: { git: Git; objects: Objects }) {
  const { git, objects } = deps;

  /** All refs under the prefixes, in git's order. */
  async function list(folder: string, ...prefixes: string[]): Promise<Ref[]> {
    const output = await git.text(folder, [
      'for-each-ref',
      '--format=%(refname)%00%(objectname)%00%(objecttype)',
      ...prefixes,
    ]);
    return output
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [name = '', sha = '', type = ''] = line.split('\0');
        return { name, sha, type };
      });
  }

  /** The ref of exactly this full name, or null. */
  async function read(folder: string, name: string): Promise<Ref | null> {
    // No ref can be named like this, and to git it would mean something else.
    if (/[\s\0^~:?*[\\]|@\{|\.\./.test(name) || !name.startsWith('refs/')) return null;
    const found = await objects.read(folder, name);
    return found === null ? null : { name, sha: found.sha, type: found.type };
  }

  /** Where a branch stands, or null. */
  async function branch(folder: string, name: string): Promise<string | null> {
    return (await read(folder, `refs/heads/${name}`))?.sha ?? null;
  }

  /** Whether git takes the text as the full name of a ref. */
  async function isWellFormed(folder: string, name: string): Promise<boolean> {
    if (name.startsWith('-')) return false;
    return (await git.run(folder, ['check-ref-format', name], { allowed: [0, 1] })).exitCode === 0;
  }

  /** Branches and tags by full name. */
  async function snapshot(folder: string): Promise<Map<string, string>> {
    const refs = await list(folder, 'refs/heads', 'refs/tags');
    return new Map(refs.map((ref) => [ref.name, ref.sha]));
  }

  return { list, read, branch, isWellFormed, snapshot };
}

export type Refs = ReturnType<typeof createRefs>;
