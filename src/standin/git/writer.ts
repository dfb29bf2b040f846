import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Objects, Signature } from './objects.ts';
import { zeroSha } from './objects.ts';
import type { Git } from './run-git.ts';

/** A file to write; content null removes it, and an object id takes what is in the repository already. */
export type FileWrite = { path: string; mode?: string } & (
  { content: string | Buffer | null } | { objectSha: string }
);

/** As on GitHub: partial clones and fetching by id work, and nobody pushes to the refs of pull requests. */
const likeGitHub = `[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[receive]
\thideRefs = refs/pull
`;

/**
 * Makes objects and moves refs in bare repositories. Callers see to it that paths and ids are well-formed.
 */
export function createWriter(deps: { git: Git; objects: Objects }) {
  const { git, objects } = deps;

  async function initialize(folder: string, defaultBranch: string): Promise<void> {
    await git.run(folder, ['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`]);
    await appendFile(join(folder, 'config'), likeGitHub);
  }

  async function blob(folder: string, content: Buffer): Promise<string> {
    const { stdout } = await git.run(folder, ['hash-object', '-w', '--stdin'], { input: content });
    return stdout.toString('utf8').trim();
  }

  /** The tree that comes of writing the files over a base tree (or nothing). */
  async function tree(folder: string, baseTree: string | null, files: readonly FileWrite[]): Promise<string> {
    const scratch = 'refs/standin/scratch';
    const parts: (string | Buffer)[] = [
      `commit ${scratch}\n`,
      'committer standin <standin@localhost> 0 +0000\n',
      'data 0\n',
    ];
    if (baseTree !== null) parts.push(`M 040000 ${baseTree} \n`);
    for (const file of files) parts.push(...fileCommand(file));
    // The scratch ref is unset again in the same stream, so it is never written.
    parts.push('ls ""\n', `reset ${scratch}\nfrom ${zeroSha}\n\n`, 'done\n');
    const { stdout } = await git.run(folder, ['fast-import', '--quiet', '--done', '--force'], {
      input: Buffer.concat(parts.map((part) => Buffer.from(part))),
    });
    const sha = / tree ([0-9a-f]{40})/.exec(stdout.toString('utf8'))?.[1];
    if (sha === undefined) throw new Error(`fast-import gave no tree: ${stdout.toString('utf8')}`);
    return sha;
  }

  async function commit(
    folder: string,
    commit: {
      tree: string;
      parents: readonly string[];
      author: Signature;
      committer: Signature;
      message: string;
    },
  ): Promise<string> {
    const lines = [
      `tree ${commit.tree}`,
      ...commit.parents.map((parent) => `parent ${parent}`),
      `author ${signatureLine(commit.author)}`,
      `committer ${signatureLine(commit.committer)}`,
      '',
      `${commit.message}\n`,
    ];
    const { stdout } = await git.run(folder, ['hash-object', '-t', 'commit', '-w', '--stdin'], {
      input: lines.join('\n'),
    });
    return stdout.toString('utf8').trim();
  }

  /** Moves a ref from `before` to `after`; the zero id stands for none. False when it stood elsewhere. */
  async function moveRef(folder: string, ref: string, before: string, after: string): Promise<boolean> {
    const args = after === zeroSha ? ['-d', ref, before] : [ref, after, before];
    const result = await git.run(folder, ['update-ref', ...args], { allowed: [0, 1, 128] });
    return result.exitCode === 0;
  }

  /** Sets a ref whatever it was: for the refs GitHub keeps for itself. */
  async function setRef(folder: string, ref: string, sha: string): Promise<void> {
    await git.run(folder, ['update-ref', ref, sha]);
  }

  /** Merges two commits into a tree, or null when they conflict. */
  async function mergeTree(folder: string, ours: string, theirs: string): Promise<string | null> {
    const args = ['merge-tree', '--write-tree', '--no-messages', ours, theirs];
    const result = await git.run(folder, args, { allowed: [0, 1] });
    return result.exitCode === 0 ? result.stdout.toString('utf8').trim() : null;
  }

  /**
   * Writes files on top of a commit (or as the first one) and gives the new commit, which no ref shows yet.
   */
  async function commitFiles(
    folder: string,
    wanted: {
      parent: string | null;
      files: readonly FileWrite[];
      message: string;
      author: Signature;
      committer?: Signature;
    },
  ): Promise<string> {
    const { parent, files, message, author } = wanted;
    const baseTree = parent === null ? null : await objects.resolve(folder, parent, 'tree');
    return commit(folder, {
      tree: await tree(folder, baseTree, files),
      parents: parent === null ? [] : [parent],
      author,
      committer: wanted.committer ?? author,
      message,
    });
  }

  return { initialize, blob, tree, commit, moveRef, setRef, mergeTree, commitFiles };
}

export type Writer = ReturnType<typeof createWriter>;

function fileCommand(file: FileWrite): (string | Buffer)[] {
  const path = `"${file.path.replace(/["\\]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`;
  const mode = file.mode ?? '100644';
  if ('objectSha' in file) return [`M ${mode} ${file.objectSha} ${path}\n`];
  if (file.content === null) return [`D ${path}\n`];
  const content = Buffer.from(file.content);
  return [`M ${mode} inline ${path}\n`, `data ${content.length}\n`, content, '\n'];
}

/** `Name <mail> seconds zone`, with nothing in the name that could end the line or the address. */
function signatureLine(signature: Signature): string {
  const clean = (text: string) => text.replace(/[<>\n\0]/g, '').trim();
  const zone = /([+-]\d\d):?(\d\d)$/.exec(signature.date);
  const seconds = Math.floor(Date.parse(signature.date) / 1000);
  return `${clean(signature.name)} <${clean(signature.email)}> ${seconds} ${zone ? `${zone[1]}${zone[2]}` : '+0000'}`;
}
