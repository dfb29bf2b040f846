import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { describe, expect, it } from 'vitest';
import type { CommitFile } from '../../support/git-server.ts';
import { gitIn, startYard, TOKEN, type WorkspaceYard } from '../../support/workspaces.ts';

const AUTHOR = { name: 'yardmaster[bot]', email: '7+yardmaster[bot]@users.noreply.github.com' };

describe('what differs from the base', () => {
  it('is told for each kind of change', async () => {
    const text = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n';
    await using yard = await withFiles({
      'edited.txt': 'a\nb\n',
      'deleted.txt': 'x\n',
      'moved.txt': text,
      script: '#!/bin/sh\n',
      'untouched.txt': 'same\n',
    });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await writeFile(at('edited.txt'), 'a\nB\nc\n');
    await rm(at('deleted.txt'));
    await mkdir(at('sub dir'));
    await rename(at('moved.txt'), at('sub dir/moved.txt'));
    await chmod(at('script'), 0o755);
    await writeFile(at('new ünïcode\n.txt'), '1\n2\n');
    await writeFile(at('binary.bin'), Buffer.from([0, 1, 2, 255]));
    await writeFile(at('untouched.txt'), 'same\n');

    expect(await workspace.changes(await workspace.snapshot())).toEqual([
      { path: 'binary.bin', status: 'added', added: null, removed: null },
      { path: 'deleted.txt', status: 'deleted', added: 0, removed: 1 },
      { path: 'edited.txt', status: 'modified', added: 2, removed: 1 },
      { path: 'new ünïcode\n.txt', status: 'added', added: 2, removed: 0 },
      { path: 'script', status: 'mode', added: 0, removed: 0 },
      { path: 'sub dir/moved.txt', status: 'renamed', added: 0, removed: 0 },
    ]);
  });

  it('names both sides of a rename, and where links lead', async () => {
    await using yard = await withFiles({ '.github/workflows/ci.yml': 'on: push\n', dir: 'file\n' });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await rename(at('.github/workflows/ci.yml'), at('harmless.yml'));
    await rm(at('dir'));
    await symlink('../../etc/passwd', at('dir'));

    expect(await workspace.entries(await workspace.snapshot())).toEqual([
      { path: '.github/workflows/ci.yml', mode: '000000', linkTarget: null, bytes: null },
      { path: 'dir', mode: '120000', linkTarget: '../../etc/passwd', bytes: 16 },
      { path: 'harmless.yml', mode: '100644', linkTarget: null, bytes: 9 },
    ]);
  });

  it('follows when files and folders take each other’s place', async () => {
    await using yard = await withFiles({ 'a/one': '1\n', 'a/two': '2\n', b: 'b\n', 'c/x': 'x\n' });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await rm(at('a'), { recursive: true });
    await writeFile(at('a'), 'now a file\n');
    await rm(at('b'));
    await mkdir(at('b'));
    await writeFile(at('b/inner'), 'i\n');
    await rm(at('c'), { recursive: true });
    await symlink('b', at('c'));

    const entries = await workspace.entries(await workspace.snapshot());

    expect(entries.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
      '100644 a',
      '000000 a/one',
      '000000 a/two',
      '000000 b',
      '100644 b/inner',
      '120000 c',
      '000000 c/x',
    ]);
  });

  it('is looked at afresh each time', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const workspace = await yard.open(await yard.spec());
    const extra = join(workspace.folder, 'extra');
    await writeFile(extra, 'x\n');
    const before = await workspace.changes(await workspace.snapshot());

    await rm(extra);
    await writeFile(join(workspace.folder, 'a'), '2\n');

    expect(before.map(({ path }) => path)).toEqual(['extra']);
    expect((await workspace.changes(await workspace.snapshot())).map(({ path }) => path)).toEqual(['a']);
  });

  it('may be asked for by several at once', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const workspace = await yard.open(await yard.spec());
    await writeFile(join(workspace.folder, 'a'), '2\n');

    const [first, second] = await Promise.all([workspace.snapshot(), workspace.snapshot()]);
    const [changes, entries, patch] = await Promise.all([
      workspace.changes(first),
      workspace.entries(second),
      workspace.patch(first, 1000),
    ]);

    expect(second).toBe(first);
    expect([changes.length, entries.length]).toEqual([1, 1]);
    expect(patch).toContain('-1\n+2\n');
  });

  it('is not what tools made on the way, which is told, while files that are called generated are marked', async () => {
    await using yard = await withFiles({
      'package.json': '{}\n',
      'a.js': '1\n',
      'lib/dist/kept.js': '1\n',
      'api.js': '1\n',
      '.gitattributes': 'api.js linguist-generated\n',
    });
    const workspace = await yard.open(await yard.spec());
    const write = async (path: string) => {
      await mkdir(join(workspace.folder, dirname(path)), { recursive: true });
      await writeFile(join(workspace.folder, path), '2\n');
    };
    await write('htmlcov/index.html');
    await workspace.leaveOutSoFar();
    for (const path of ['a.js', 'a.js.orig', 'api.js', 'dist/a.js', 'dist/b/c.js', 'lib/dist/new.js'])
      await write(path);
    await writeFile(join(workspace.folder, 'lib/.gitattributes'), '* linguist-generated=true\n');

    const tree = await workspace.snapshot();

    const changes = (await workspace.changes(tree)).map(({ path, generated = false }) => [path, generated]);
    expect(changes).toEqual([
      ['a.js', false],
      ['api.js', true],
      ['lib/.gitattributes', true],
      ['lib/dist/new.js', true],
    ]);
    expect(workspace.toolOutput()).toEqual([
      { path: 'a.js.orig', what: 'a leftover of a merge or patch', files: 1 },
      { path: 'dist/', what: 'build output', files: 2 },
    ]);
    expect(await readdir(join(workspace.folder, 'dist'))).toEqual(['a.js', 'b']);
  });

  it('is not what set-up and tests made before, whatever it is', async () => {
    await using yard = await withFiles({
      'uv.lock': 'old\n',
      'app.py': '1\n',
      'gone.txt': 'x\n',
    });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await writeFile(at('uv.lock'), 'brought up to date\n');
    await writeFile(at('app.py'), 'formatted\n');
    await writeFile(at('coverage.xml'), '1\n');
    await rm(at('gone.txt'));

    await workspace.leaveOutSoFar();
    await writeFile(at('app.py'), 'worked on\n');
    await writeFile(at('coverage.xml'), '2\n');
    await writeFile(at('new.py'), 'new\n');

    expect((await workspace.changes(await workspace.snapshot())).map(({ path }) => path)).toEqual([
      'app.py',
      'new.py',
    ]);
  });

  it('can be kept as a patch that git applies, for a month', async () => {
    const day = 24 * 60 * 60_000;
    let nowMs = Date.now();
    await using yard = await withFiles(
      { a: '1\n', 'b.bin': 'b' },
      { clock: { ...systemClock, nowMs: () => nowMs, sleep: () => Promise.resolve() } },
    );
    const spec = await yard.spec();
    const workspace = await yard.open(spec);
    await writeFile(join(workspace.folder, 'a'), '2\n');
    await writeFile(join(workspace.folder, 'b.bin'), Buffer.from([0, 1, 255]));
    const tree = await workspace.snapshot();

    const patch = await workspace.keepPatch(tree);
    await workspace.remove();

    const name = `refused/${spec.attemptId}.patch`;
    const kept = join(yard.root, name);
    expect(patch).toEqual({ name, path: kept });
    const other = await yard.open(spec);
    await gitIn(other.folder, 'apply', kept);
    expect(await other.snapshot()).toBe(tree);
    nowMs += 29 * day;
    await yard.workspaces.sweep([]);
    expect(existsSync(kept)).toBe(true);
    nowMs += 2 * day;
    await yard.workspaces.sweep([]);
    expect(existsSync(kept)).toBe(false);
  });

  it('is told from what stands in the base, wherever', async () => {
    await using yard = await withFiles({ 'deep/down/a': 'x -known- y\n' });
    const workspace = await yard.open(await yard.spec());
    await writeFile(join(workspace.folder, 'b'), 'unknown\n');
    await workspace.snapshot();

    expect(await workspace.baseHas('-known-')).toBe(true);
    expect(await workspace.baseHas('unknown')).toBe(false);
    expect(await workspace.baseHas('x.*y')).toBe(false);
  });

  it('is no more of a patch than asked for', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const workspace = await yard.open(await yard.spec());
    await writeFile(join(workspace.folder, 'big'), 'line\n'.repeat(200_000));

    const patch = await workspace.patch(await workspace.snapshot(), 5000);

    expect(patch).toHaveLength(5000);
    expect(patch).toMatch(/^diff --git a\/big b\/big\nnew file mode 100644\n/);
  });

  it('leaves ignored files out, and those that the base ignored before its rules were changed', async () => {
    await using yard = await withFiles({
      '.gitignore': '*.env\nnode_modules/\n',
      'src/.gitignore': 'local.*\n',
    });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await mkdir(at('node_modules/x'), { recursive: true });
    for (const path of ['secret.env', 'node_modules/x/index.js', 'src/local.json', 'made.log', 'kept.txt']) {
      await writeFile(at(path), 'x\n');
    }
    await writeFile(at('.gitignore'), '!*.env\n*.log\n');
    await rm(at('src/.gitignore'));

    const paths = (await workspace.changes(await workspace.snapshot())).map(({ path }) => path);

    expect(paths).toEqual(['.gitignore', 'kept.txt', 'src/.gitignore']);
  });

  it('leaves out what set-up and tests made, also where nobody ignores it', async () => {
    await using yard = await withFiles({ 'node_modules/kept/index.js': 'tracked\n' });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await writeFile(at('node_modules/kept/index.js'), 'edited\n');
    for (const path of [
      'node_modules/x/index.js',
      'src/__pycache__/a.cpython-312.pyc',
      'a.egg-info/PKG-INFO',
    ]) {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), 'x\n');
    }

    expect((await workspace.changes(await workspace.snapshot())).map(({ path }) => path)).toEqual([
      'node_modules/kept/index.js',
    ]);
    expect(await gitIn(workspace.folder, 'status', '--porcelain')).toBe('M node_modules/kept/index.js');
  });

  it('never takes in other repositories, whether they were there or were made meanwhile', async () => {
    await using yard = await withFiles({
      'vendor/lib': { mode: '160000', content: 'c'.repeat(40) },
      'vendor/gone': { mode: '160000', content: 'd'.repeat(40) },
      tool: 'a file\n',
    });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await rm(at('vendor/gone'), { recursive: true });
    for (const path of ['vendor/lib', 'nested', 'empty']) {
      await gitIn(workspace.folder, 'init', '--quiet', path);
      if (path !== 'empty') await gitIn(at(path), 'commit', '--quiet', '--allow-empty', '-m', 'x');
    }
    await writeFile(at('tool'), 'changed\n');
    await mkdir(at('.GIT'), { recursive: true });
    await writeFile(at('.GIT/config'), 'x\n');

    expect((await workspace.entries(await workspace.snapshot())).map(({ path }) => path)).toEqual(['tool']);
  });

  it('can’t be told when the workspace itself was replaced by a link to somewhere else', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const workspace = await yard.open(await yard.spec());
    await rm(workspace.folder, { recursive: true });
    await symlink('/etc', workspace.folder);

    await expect(workspace.snapshot()).rejects.toThrow(/is no folder any more/);
  });
});

describe('a snapshot', () => {
  it('does not change with the work tree', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const workspace = await yard.open(await yard.spec());
    await writeFile(join(workspace.folder, 'a'), '2\n');
    const tree = await workspace.snapshot();

    await writeFile(join(workspace.folder, 'a'), '3\n');
    await writeFile(join(workspace.folder, '.gitattributes'), '* -diff\n');
    await symlink('/etc/passwd', join(workspace.folder, 'link'));

    expect(await workspace.changes(tree)).toEqual([{ path: 'a', status: 'modified', added: 1, removed: 1 }]);
    expect(await workspace.entries(tree)).toEqual([
      { path: 'a', mode: '100644', linkTarget: null, bytes: 2 },
    ]);
    const commit = await workspace.commit(tree, 'Work', AUTHOR);
    await workspace.push(commit);
    expect(await yard.server.git('ls-tree', '--name-only', commit)).toBe('a');
    expect(await yard.server.git('show', `${commit}:a`)).toBe('2');
  });

  it('is what the work tree becomes again, without a step through links to elsewhere', async () => {
    await using yard = await withFiles({
      '.gitignore': 'kept/\n',
      'dir/a': '1\n',
      'dir/b': '1\n',
      gone: 'x\n',
    });
    const workspace = await yard.open(await yard.spec());
    const at = (path: string): string => join(workspace.folder, path);
    await rm(at('gone'));
    await writeFile(at('new'), 'new\n');
    const tree = await workspace.snapshot();
    const elsewhere = join(workspace.tempFolder, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'a'), 'not ours\n');
    await rm(at('dir'), { recursive: true });
    await symlink(elsewhere, at('dir'));
    await writeFile(at('gone'), 'back\n');
    await rm(at('new'));
    await mkdir(at('new/deep/er'), { recursive: true });
    await writeFile(at('new/deep/er/file'), 'x\n');
    await mkdir(at('kept'));
    await writeFile(at('kept/cache'), 'x\n');

    await workspace.restore(tree);

    expect(await workspace.snapshot()).toBe(tree);
    expect((await readdir(workspace.folder)).sort()).toEqual(['.git', '.gitignore', 'dir', 'kept', 'new']);
    expect(await readFile(at('new'), 'utf8')).toBe('new\n');
    expect(await readdir(at('dir'))).toEqual(['a', 'b']);
    expect(await readFile(join(elsewhere, 'a'), 'utf8')).toBe('not ours\n');
  });
});

describe('the commit', () => {
  it('is one on the base, with author and message as given, and holds all that differs', async () => {
    await using yard = await withFiles({ a: '1\n', b: '1\n' });
    const spec = await yard.spec();
    const workspace = await yard.open(spec);
    await writeFile(join(workspace.folder, 'a'), '2\n');
    await gitIn(workspace.folder, 'commit', '--quiet', '-am', 'the agent commits by itself');
    await rm(join(workspace.folder, 'b'));

    const commit = await workspace.commit(
      await workspace.snapshot(),
      'Fix totals\n\n# not a comment\n\0',
      AUTHOR,
    );
    await workspace.push(commit);

    const format = '--format=%P%n%an <%ae>%n%cn <%ce>%n%B';
    expect(await yard.server.git('log', '-1', format, spec.branch)).toBe(
      `${spec.base.commit}\n${AUTHOR.name} <${AUTHOR.email}>\n${AUTHOR.name} <${AUTHOR.email}>\nFix totals\n\n# not a comment`,
    );
    expect(await yard.server.git('show', `${spec.branch}:a`)).toBe('2');
    expect(await yard.server.git('ls-tree', '--name-only', spec.branch)).toBe('a');
  });

  it('is refused when nothing differs', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const workspace = await yard.open(await yard.spec());

    await expect(workspace.commit(await workspace.snapshot(), 'Nothing', AUTHOR)).rejects.toThrow(
      /nothing to commit/,
    );
  });
});

describe('the work on a base branch that has moved on', () => {
  it('is what both sides made of it, also when the branch was rewritten', async () => {
    await using yard = await withFiles({ a: '1\n' });
    await yard.server.commit('main', { dropped: 'x\n' });
    const spec = await yard.spec();
    const workspace = await yard.open(spec);
    await writeFile(join(workspace.folder, 'a'), '2\n');
    const tree = await workspace.snapshot();
    expect(await workspace.rebase(tree)).toEqual({ kind: 'current' });
    await yard.server.git('update-ref', 'refs/heads/main', `${spec.base.commit}^`);
    const tip = await yard.server.commit('main', { theirs: 'new\n' });

    const rebased = await workspace.rebase(tree);

    if (rebased.kind !== 'rebased') throw new Error(rebased.kind);
    expect(rebased.workspace.base).toBe(tip);
    expect((await rebased.workspace.files(rebased.tree)).sort()).toEqual(['a', 'theirs']);
    expect(await rebased.workspace.changes(rebased.tree)).toMatchObject([{ path: 'a', status: 'modified' }]);
    await rebased.workspace.restore(rebased.tree);
    expect((await readdir(workspace.folder)).sort()).toEqual(['.git', 'a', 'theirs']);
    const commit = await rebased.workspace.commit(rebased.tree, 'Change a', AUTHOR);
    expect(await rebased.workspace.push(commit)).toEqual({ kind: 'pushed' });
    const history = (await yard.server.git('rev-list', spec.branch)).split('\n');
    expect(history.slice(0, 2)).toEqual([commit, tip]);
  });

  it('is told by its paths when both changed the same', async () => {
    await using yard = await withFiles({ a: '1\n', 'b c': '1\n' });
    const workspace = await yard.open(await yard.spec());
    await writeFile(join(workspace.folder, 'a'), '2\n');
    await writeFile(join(workspace.folder, 'b c'), '2\n');
    const tip = await yard.server.commit('main', { a: '3\n', 'b c': '3\n' });

    const rebased = await workspace.rebase(await workspace.snapshot());

    expect(rebased).toEqual({ kind: 'conflict', onto: tip, paths: ['a', 'b c'] });
  });
});

describe('the push', () => {
  it('puts the work on the base in place of the start commit', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const spec = await yard.spec();
    const { workspace, commit } = await worked(yard, spec);

    expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });

    expect(await yard.server.git('rev-parse', spec.branch)).toBe(commit);
    const history = (await yard.server.git('rev-list', spec.branch)).split('\n');
    expect(history).toEqual([commit, spec.base.commit]);
    expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
  });

  it.each([
    ['another attempt put its start commit there', async (yard: WorkspaceYard) => void (await yard.spec())],
    [
      'the branch was removed',
      async (yard: WorkspaceYard, branch: string) =>
        void (await yard.server.git('update-ref', '-d', `refs/heads/${branch}`)),
    ],
    [
      'somebody pushed to it',
      async (yard: WorkspaceYard, branch: string) => void (await yard.server.commit(branch, { x: 'x' })),
    ],
  ])('is fenced when %s', async (_, happen) => {
    await using yard = await withFiles({ a: '1\n' });
    const spec = await yard.spec();
    const { workspace, commit } = await worked(yard, spec);
    await happen(yard, spec.branch);
    const stands = await yard.server.git('for-each-ref', 'refs/heads');

    expect(await workspace.push(commit)).toEqual({ kind: 'fenced' });

    expect(await yard.server.git('for-each-ref', 'refs/heads')).toBe(stands);
  });

  it('tells in the remote’s words why it was refused, without what could harm a page', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const spec = await yard.spec();
    const { workspace, commit } = await worked(yard, spec);
    const hook = join(yard.server.repository, 'hooks/update');
    await writeFile(hook, `#!/bin/sh\nprintf 'error: GH013: \\033[31mrule violations\\n' >&2\nexit 1\n`);
    await chmod(hook, 0o755);

    const result = await workspace.push(commit);

    expect(result).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/^hook declined\nerror: GH013: rule violations$/m),
    });
    expect(await yard.server.git('rev-parse', spec.branch)).toBe(spec.startCommit);
  });

  it('counts as done when only the answer was lost', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const { workspace, commit } = await worked(yard, await yard.spec());
    yard.server.fault = (request) => (request.startsWith('POST') && isPush(request) ? 'lose_answer' : null);

    expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
  });

  it('is tried again when the connection broke before', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const spec = await yard.spec();
    const { workspace, commit } = await worked(yard, spec);
    let cuts = 2;
    yard.server.fault = (request) => (isPush(request) && (cuts -= 1) >= 0 ? 'cut' : null);

    expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
  });

  it('throws when the remote stays out of reach, for nobody knows where the branch stands', async () => {
    await using yard = await withFiles({ a: '1\n' });
    const { workspace, commit } = await worked(yard, await yard.spec());
    yard.server.fault = () => 'cut';

    const error = await workspace.push(commit).catch((error: unknown) => error);

    expect(error).toMatchObject({ name: 'GitCommandError', args: ['push'] });
    expect(String(error)).not.toContain(TOKEN);
  });

  it('sends little, also when the remote’s branches have moved on since', async () => {
    const noise = Array.from({ length: 20_000 }, (_, index) => (index * 7919).toString(36)).join('\n');
    await using yard = await withFiles({ big: noise });
    const earlier = await yard.spec({ branch: 'agent/1-earlier' });
    await yard.open(earlier);
    // Its base is known, so nothing is fetched: neither its start commit nor what main is now.
    const { workspace, commit } = await worked(yard, await yard.spec());
    await yard.server.git('update-ref', '-d', `refs/heads/${earlier.branch}`);
    await yard.server.commit('main', { other: '1' });
    yard.server.receivedBytes = 0;

    await workspace.push(commit);

    expect(yard.server.receivedBytes).toBeLessThan(5000);
  });
});

it('takes back what it has lent, also when the attempt was stopped meanwhile', async () => {
  await using yard = await withFiles({ 'a.txt': 'a\n' });
  const stopped = new AbortController();
  const spec = await yard.spec();
  const workspace = await yard.open(spec, stopped.signal);
  const lent = () => yard.server.git('for-each-ref', '--format=%(refname)', 'refs/yardmaster');
  expect(await workspace.lending.lend(workspace.base)).toBeNull();
  expect(await lent()).toBe(`refs/yardmaster/${spec.attemptId}`);

  stopped.abort();
  await workspace.lending.takeBack();

  expect(await lent()).toBe('');
  await workspace.remove();
});

async function withFiles(
  files: Record<string, CommitFile>,
  options: Parameters<typeof startYard>[0] = {},
): Promise<WorkspaceYard> {
  const yard = await startYard(options);
  await yard.server.commit('main', files);
  return yard;
}

/** A workspace with one changed file, committed. */
async function worked(yard: WorkspaceYard, spec: Awaited<ReturnType<WorkspaceYard['spec']>>) {
  const workspace = await yard.open(spec);
  await writeFile(join(workspace.folder, 'a'), '2\n');
  return { workspace, commit: await workspace.commit(await workspace.snapshot(), 'Change a', AUTHOR) };
}

function isPush(request: string): boolean {
  return request.includes('git-receive-pack');
}
