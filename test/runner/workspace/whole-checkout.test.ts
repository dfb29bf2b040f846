import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Checkout } from '../../../src/contract/job.ts';
import { DEFAULT_JOB_SETTINGS } from '../../../src/domain/repo-settings.ts';
import type { Workspace } from '../../../src/runner/workspace/workspace-types.ts';
import type { CommitFile } from '../../support/git-server.ts';
import { gitIn, startYard, type WorkspaceYard } from '../../support/workspaces.ts';

const AUTHOR = { name: 'yardmaster[bot]', email: '7+yardmaster[bot]@users.noreply.github.com' };

async function openWith(
  yard: WorkspaceYard,
  checkout: Checkout | undefined,
  branch?: string,
): Promise<Workspace> {
  const settings = { ...DEFAULT_JOB_SETTINGS, ...(checkout === undefined ? {} : { checkout }) };
  return await yard.open(await yard.spec({ settings, ...(branch === undefined ? {} : { branch }) }));
}

async function pathsOf(workspace: Workspace): Promise<string[]> {
  return (await workspace.changes(await workspace.snapshot())).map(({ path }) => path);
}

describe('files in Git LFS', () => {
  const big = Buffer.alloc(200_000, 'big');

  async function withLfs(): Promise<WorkspaceYard> {
    const yard = await startYard();
    const tool = { mode: '100755' as const, content: yard.server.toPointer(Buffer.from('#!/bin/sh\n')) };
    await yard.server.commit('main', {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      '.lfsconfig': '[lfs]\n\turl = http://127.0.0.1:1/elsewhere\n',
      'a.bin': yard.server.toPointer(big),
      'deep/tool.bin': tool,
      'pointer.txt': yard.server.toPointer(Buffer.from('no attribute says so')),
      'plain.txt': 'plain\n',
    });
    return yard;
  }

  it('are pointers without the setting, which is told', async () => {
    await using yard = await withLfs();

    const workspace = await openWith(yard, undefined);

    expect(await readFile(join(workspace.folder, 'a.bin'), 'utf8')).toContain('oid sha256:');
    expect(workspace.notes).toEqual([
      '2 files (`a.bin`, `deep/tool.bin`) are in Git LFS, and only pointers are here: `checkout.lfs: true` in the settings brings the contents.',
    ]);
    expect(yard.server.requests.some((request) => request.includes('lfs'))).toBe(false);
    await rename(join(workspace.folder, 'a.bin'), join(workspace.folder, 'moved.bin'));
    await writeFile(join(workspace.folder, 'deep/tool.bin'), 'no pointer');
    expect(await workspace.lfsChanges(await workspace.snapshot())).toEqual(['deep/tool.bin']);
  });

  it('are there with the setting, count as unchanged, and come back after a restore', async () => {
    await using yard = await withLfs();

    const workspace = await openWith(yard, { lfs: true });
    const at = (path: string): string => join(workspace.folder, path);

    expect(await readFile(at('a.bin'))).toEqual(big);
    expect((await stat(at('deep/tool.bin'))).mode & 0o777).toBe(0o755);
    expect(await readFile(at('pointer.txt'), 'utf8')).toContain('oid sha256:');
    expect(await gitIn(workspace.folder, 'status', '--porcelain')).toBe('');
    expect(await pathsOf(workspace)).toEqual([]);

    await writeFile(at('plain.txt'), 'changed\n');
    const tree = await workspace.snapshot();
    expect(await workspace.lfsChanges(tree)).toEqual([]);
    await writeFile(at('a.bin'), 'by a test');
    await rm(at('deep'), { recursive: true });
    await workspace.restore(tree);

    expect(await readFile(at('a.bin'))).toEqual(big);
    expect(await readFile(at('deep/tool.bin'), 'utf8')).toBe('#!/bin/sh\n');
    const commit = await workspace.commit(tree, 'Work', AUTHOR);
    expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
    expect(await yard.server.git('show', `${commit}:a.bin`)).toContain('oid sha256:');
  });

  it('are fetched once for all workspaces, which can’t change them for each other', async () => {
    await using yard = await withLfs();
    const first = await openWith(yard, { lfs: true }, 'agent/1-first');
    await writeFile(join(first.folder, 'a.bin'), 'mine');
    const asked = yard.server.requests.filter((request) => request.includes('lfs')).length;

    const second = await openWith(yard, { lfs: true }, 'agent/2-second');

    expect(await readFile(join(second.folder, 'a.bin'))).toEqual(big);
    expect(yard.server.requests.filter((request) => request.includes('lfs'))).toHaveLength(asked);
  });

  it('that are added, changed or taken away from it can’t be put there, which is known before anything is pushed', async () => {
    await using yard = await withLfs();
    const workspace = await openWith(yard, { lfs: true });
    const at = (path: string): string => join(workspace.folder, path);
    await writeFile(at('a.bin'), Buffer.concat([big, Buffer.from('more')]));
    await rename(at('deep/tool.bin'), at('moved.bin'));
    await writeFile(at('new.bin'), 'new');
    // Neither an attribute less nor one more hides it.
    await writeFile(at('.gitattributes'), '*.psd filter=lfs\n');
    await writeFile(at('new.psd'), 'new');
    await writeFile(at('other.txt'), 'other');

    const tree = await workspace.snapshot();

    expect(await workspace.lfsChanges(tree)).toEqual(['a.bin', 'moved.bin', 'new.bin', 'new.psd']);
  });

  it('stay pointers where the server has none, and an object that is another one is refused', async () => {
    await using yard = await withLfs();
    const oid = createHash('sha256').update(big).digest('hex');
    yard.server.lfs.refusals.set(oid, 'Object does not exist on the server');

    const workspace = await openWith(yard, { lfs: true }, 'agent/1-first');

    expect(await readFile(join(workspace.folder, 'a.bin'), 'utf8')).toContain('oid sha256:');
    expect(workspace.notes.join('\n')).toContain(
      '1 file (`a.bin`) is in Git LFS, and only pointers are here, since the server does not give the contents: `Object does not exist on the server`. Only GitHub is asked, whatever `.lfsconfig` says.',
    );
    expect(await pathsOf(workspace)).toEqual([]);

    yard.server.lfs.refusals.clear();
    yard.server.lfs.objects.set(oid, Buffer.alloc(200_000, 'bad'));
    await expect(openWith(yard, { lfs: true }, 'agent/2-second')).rejects.toThrow(
      'is not what its pointer says',
    );
  });
});

describe('submodules', () => {
  async function withSubmodules(
    extra: Record<string, CommitFile> = {},
    modules = '',
  ): Promise<WorkspaceYard> {
    const yard = await startYard();
    const inner = await yard.server.addRepository('inner', { 'inner.txt': 'inner\n' });
    const lib = await yard.server.addRepository('lib', {
      'lib.txt': 'lib\n',
      '.gitmodules': '[submodule "in"]\n\tpath = in\n\turl = ../inner.git\n',
      in: { mode: '160000', content: inner },
    });
    await yard.server.commit('main', {
      '.gitmodules': `[submodule "../../x"]\n\tpath = vendor/lib\n\turl = ../lib.git\n${modules}`,
      'vendor/lib': { mode: '160000', content: lib },
      'a.txt': 'a\n',
      ...extra,
    });
    return yard;
  }

  it('are told without the setting', async () => {
    await using yard = await withSubmodules();

    const { notes } = await openWith(yard, undefined);

    expect(notes).toEqual([
      '1 submodule (`vendor/lib`) is not checked out: `checkout.submodules: true` in the settings brings them.',
    ]);
  });

  it('are there with the setting, those within them, too, and nothing of them is in the work', async () => {
    await using yard = await withSubmodules();

    const workspace = await openWith(yard, { submodules: true });
    const at = (path: string): string => join(workspace.folder, path);

    expect(await readFile(at('vendor/lib/lib.txt'), 'utf8')).toBe('lib\n');
    expect(await readFile(at('vendor/lib/in/inner.txt'), 'utf8')).toBe('inner\n');
    expect(await gitIn(at('vendor/lib'), 'log', '--format=%s')).toBe('Change main');
    expect(workspace.sharedFolders).toHaveLength(3);
    await writeFile(at('vendor/lib/made'), 'by set-up');
    await workspace.leaveOutSoFar();

    await writeFile(at('vendor/lib/lib.txt'), 'so that the tests pass\n');
    await writeFile(at('vendor/lib/in/new.txt'), 'so that the tests pass\n');
    await gitIn(at('vendor/lib'), 'config', 'core.fsmonitor', 'touch /tmp/never');
    await writeFile(at('a.txt'), 'work\n');

    expect(await pathsOf(workspace)).toEqual(['a.txt']);
    expect(await readFile(at('vendor/lib/lib.txt'), 'utf8')).toBe('lib\n');
    expect(existsSync(at('vendor/lib/in/new.txt'))).toBe(false);
    expect(existsSync(at('vendor/lib/made'))).toBe(true);

    // Tests on a base with another submodule would be about this one.
    const tree = await workspace.snapshot();
    await yard.server.commit('main', { 'b.txt': 'b\n' });
    expect(await workspace.rebase(tree)).toMatchObject({ kind: 'rebased' });
    await yard.server.commit('main', { 'vendor/lib': { mode: '160000', content: 'd'.repeat(40) } });
    await expect(workspace.rebase(tree)).rejects.toThrow('vendor/lib is another one there');
  });

  it('whose folder an agent made a way out of are not written to', async () => {
    await using yard = await withSubmodules();
    const workspace = await openWith(yard, { submodules: true });
    const outside = join(workspace.tempFolder, 'outside');
    await mkdir(join(outside, 'lib'), { recursive: true });
    await rm(join(workspace.folder, 'vendor'), { recursive: true });
    await symlink(outside, join(workspace.folder, 'vendor'));

    await expect(workspace.snapshot()).rejects.toThrow('The submodule vendor/lib is no folder any more');
    expect(existsSync(join(outside, 'lib', 'lib.txt'))).toBe(false);
  });

  it('that lead elsewhere, that nobody may read, or that are not named are left out with the reason', async () => {
    const commit = 'c'.repeat(40);
    const link = { mode: '160000' as const, content: commit };
    await using yard = await withSubmodules(
      { evil: link, closed: link, unnamed: link },
      [
        '[submodule "evil"]\n\tpath = evil\n\turl = ext::sh -c touch% /tmp/evil\n',
        '[submodule "closed"]\n\tpath = closed\n\turl = ../closed.git\n',
        '[include]\n\tpath = /etc/passwd\n',
      ].join(''),
    );
    yard.server.closed.add('closed');

    const { notes, folder } = await openWith(yard, { submodules: true });

    expect(existsSync(join(folder, 'vendor/lib/lib.txt'))).toBe(true);
    expect(notes.at(-1)).toBe(
      '3 submodules could not be checked out: `closed`: the token of this job can’t read it, or it has no such commit; `evil`: its URL has characters that no address of a repository has; `unnamed`: .gitmodules does not name it.',
    );
  });
});

describe('a sparse checkout', () => {
  const FILES = { root: 'r\n', 'web/a': 'a\n', 'web/deep/b': 'b\n', 'docs/c': 'c\n', 'docs/deep/d': 'd\n' };

  it.each([false, true])(
    'has the folders only, and a commit has all the rest (partial: %s)',
    async (partial) => {
      await using yard = await startYard();
      await yard.server.commit('main', { ...FILES, 'docs/.gitignore': 'ignored\n' });
      await yard.server.commit('main', { 'web/a': 'newer\n' });
      const spec = await yard.spec({
        settings: { ...DEFAULT_JOB_SETTINGS, checkout: { sparse: ['web'], partial } },
      });

      const workspace = await yard.open(spec);
      const at = (path: string): string => join(workspace.folder, path);

      expect(['root', 'web/deep/b', 'docs', 'docs/c'].map((path) => existsSync(at(path)))).toEqual([
        true,
        true,
        false,
        false,
      ]);
      expect(await gitIn(workspace.folder, 'status', '--porcelain')).toBe('');
      await writeFile(at('web/a'), 'work\n');
      await rm(at('web/deep'), { recursive: true });
      await mkdir(at('docs/deep'), { recursive: true });
      await writeFile(at('docs/deep/new'), 'outside, but new\n');
      await writeFile(at('docs/ignored'), 'by rules that are not checked out\n');
      const tree = await workspace.snapshot();
      expect((await workspace.changes(tree)).map(({ path, status }) => `${status} ${path}`)).toEqual([
        'added docs/deep/new',
        'modified web/a',
        'deleted web/deep/b',
      ]);
      expect(await workspace.patch(tree, 10_000)).toContain('-newer\n+work\n');

      await writeFile(at('web/a'), 'by tests\n');
      await workspace.restore(tree);
      expect(await readFile(at('web/a'), 'utf8')).toBe('work\n');
      expect(existsSync(at('docs/deep/new'))).toBe(true);
      expect(existsSync(at('docs/c'))).toBe(false);

      await yard.server.commit('main', { 'docs/c': 'moved on\n', 'web/e': 'e\n' });
      const rebased = await workspace.rebase(tree);
      if (rebased.kind !== 'rebased') throw new Error(rebased.kind);
      await workspace.restore(rebased.tree);
      expect(await readFile(at('web/e'), 'utf8')).toBe('e\n');
      const commit = await rebased.workspace.commit(rebased.tree, 'Work', AUTHOR);
      expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
      expect((await yard.server.git('ls-tree', '-r', '--name-only', commit)).split('\n')).toEqual([
        'docs/.gitignore',
        'docs/c',
        'docs/deep/d',
        'docs/deep/new',
        'root',
        'web/a',
        'web/e',
      ]);
      expect(await yard.server.git('show', `${commit}:docs/c`)).toBe('moved on');
    },
  );

  it('notices what an agent writes over files that are not there', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', FILES);
    const workspace = await openWith(yard, { sparse: ['web'] });
    await mkdir(join(workspace.folder, 'docs'));
    await writeFile(join(workspace.folder, 'docs/c'), 'over\n');

    expect(await pathsOf(workspace)).toEqual(['docs/c']);
  });
});

describe('a partial checkout', () => {
  it('fetches the contents of the commit only, and nothing more when the commit is known', async () => {
    await using yard = await startYard();
    await yard.server.commit('main', { a: 'former content\n', b: 'b\n' });
    const former = await yard.server.git('rev-parse', 'main:a');
    await yard.server.commit('main', { a: 'content\n' });

    const workspace = await openWith(yard, { partial: true }, 'agent/1-first');

    expect(await readFile(join(workspace.folder, 'a'), 'utf8')).toBe('content\n');
    await expect(gitIn(workspace.folder, 'cat-file', '-p', former)).rejects.toThrow(
      'Not a valid object name',
    );
    expect(await gitIn(workspace.folder, 'log', '--format=%s', '--', 'a')).toBe('Change main\nChange main');
    expect(workspace.notes).toHaveLength(1);
    await workspace.remove();
    const asked = yard.server.requests.length;
    const again = await openWith(yard, { partial: true }, 'agent/2-second');
    expect(existsSync(join(again.folder, 'b'))).toBe(true);
    expect(yard.server.requests).toHaveLength(asked);
  });

  it('has what a merge needs of both sides', async () => {
    await using yard = await startYard();
    const text = Array.from({ length: 20 }, (_, line) => `line ${line}\n`);
    await yard.server.commit('main', { 'deep/a': text.join(''), b: 'b\n' });
    const head = await yard.server.commit('side', { 'deep/a': text.with(0, 'side\n').join(''), b: 'b\n' });
    await yard.server.git('update-ref', 'refs/heads/side', await joinedTo(yard, head));
    const ours = await yard.server.git('rev-parse', 'side');
    const baseCommit = await yard.server.commit('main', { 'deep/a': text.with(19, 'main\n').join('') });
    const spec = await yard.spec({
      kind: 'revise',
      settings: { ...DEFAULT_JOB_SETTINGS, checkout: { partial: true, sparse: ['none'] } },
      base: { branch: 'side', commit: ours },
      revision: {
        pullRequest: { number: 1, url: 'https://github.com/acme/widgets/pull/1' },
        cause: 'conflict',
        round: 1,
        reviews: [],
        threads: [],
        commentsLeftOut: undefined,
        checks: [],
        mergeBase: true,
        baseCommit,
      },
    });

    const workspace = await yard.open(spec);
    const tree = await workspace.snapshot();

    expect(workspace.merge).toEqual({ conflicts: [] });
    const commit = await workspace.commit(tree, 'Merged', AUTHOR);
    expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
    const merged = await yard.server.git('show', `${commit}:deep/a`);
    expect(merged.split('\n').filter((line) => !line.startsWith('line'))).toEqual(['side', 'main']);
  });
});

/** The same files as `commit`, as a change of the first commit of `main`. */
async function joinedTo(yard: WorkspaceYard, commit: string): Promise<string> {
  const first = await yard.server.git('rev-list', '--max-parents=0', 'main');
  return await yard.server.git('commit-tree', `${commit}^{tree}`, '-p', first, '-m', 'Side');
}
