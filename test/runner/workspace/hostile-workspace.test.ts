import { readdir, writeFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { gitIn, startYard } from '../../support/workspaces.ts';

const TRAPS = [
  ['core.fsmonitor', (trap: string) => trap],
  ['diff.external', (trap: string) => trap],
  ['diff.evil.command', (trap: string) => trap],
  ['diff.evil.textconv', (trap: string) => trap],
  ['filter.evil.clean', (trap: string) => trap],
  ['filter.evil.smudge', (trap: string) => trap],
  ['filter.evil.process', (trap: string) => trap],
  ['core.sshCommand', (trap: string) => trap],
  ['core.askPass', (trap: string) => trap],
  ['core.pager', (trap: string) => trap],
  ['core.editor', (trap: string) => trap],
  ['credential.helper', (trap: string) => `!${trap}`],
  ['gpg.program', (trap: string) => trap],
  ['commit.gpgSign', () => 'true'],
  ['push.gpgSign', () => 'true'],
  ['url.ext::sh.insteadOf', () => 'http'],
] as const;

const HOOKS = [
  'pre-commit',
  'commit-msg',
  'post-commit',
  'post-index-change',
  'pre-push',
  'reference-transaction',
];

it('runs nothing that a workspace was rigged with, and publishes what is in the files', async () => {
  await using yard = await startYard();
  await yard.server.commit('main', {
    'a.txt': 'before\n',
    '.gitattributes': '*.txt filter=evil diff=evil\n',
  });
  const spec = await yard.spec();
  const workspace = await yard.open(spec);
  const loot = await mkdtemp(join(tmpdir(), 'loot-'));
  onTestFinished(() => rm(loot, { recursive: true, force: true }));

  const setTrap = async (file: string, name: string): Promise<string> => {
    await writeFile(file, `#!/bin/sh\necho "$0 $*" > ${loot}/${name}.$$\n`, { mode: 0o755 });
    return file;
  };
  const rig = async (gitDir: string): Promise<void> => {
    for (const [key, toValue] of TRAPS) {
      const trap = await setTrap(join(workspace.tempFolder, `trap-${key.replaceAll(/\W/g, '-')}`), key);
      await gitIn(workspace.folder, 'config', '--file', join(gitDir, 'config'), key, toValue(trap));
    }
    await mkdir(join(gitDir, 'hooks'), { recursive: true });
    for (const hook of HOOKS) await setTrap(join(gitDir, 'hooks', hook), hook);
  };
  await rig(join(workspace.folder, '.git'));
  await writeFile(join(workspace.folder, '.gitattributes'), '* filter=evil diff=evil\n');
  await writeFile(join(workspace.folder, 'a.txt'), 'after\n');
  await writeFile(join(workspace.folder, 'new.txt'), 'new\n');
  // A home that an agent filled, and a repository that git might look for above or below.
  await writeFile(join(workspace.homeFolder, '.gitconfig'), `[core]\n\tfsmonitor = ${loot}/home\n`);
  await gitIn(workspace.folder, 'init', '--quiet', 'below');
  await rig(join(workspace.folder, 'below', '.git'));

  const tree = await workspace.snapshot();
  const changes = await workspace.changes(tree);
  await workspace.entries(tree);
  const patch = await workspace.patch(tree, 10_000);
  await writeFile(join(workspace.folder, 'a.txt'), 'and changed\n');
  await workspace.restore(tree);
  const commit = await workspace.commit(tree, 'Work', spec.commitAuthor);
  const pushed = await workspace.push(commit);

  expect(await readdir(loot)).toEqual([]);
  expect(changes.map(({ path }) => path)).toEqual(['.gitattributes', 'a.txt', 'new.txt']);
  expect(patch).toContain('-before\n+after\n');
  expect(pushed).toEqual({ kind: 'pushed' });
  expect(await yard.server.git('show', `${spec.branch}:a.txt`)).toBe('after');

  // The traps do work: ordinary git steps on them, or this test would prove nothing.
  await gitIn(workspace.folder, 'add', '--all', ':!below').catch(() => undefined);
  const sprung = (await readdir(loot)).map((name) => name.replace(/\.[0-9]+$/, ''));
  expect(sprung).toEqual(expect.arrayContaining(['core.fsmonitor', 'filter.evil.process']));
});

it('runs no filter at the checkout, whatever the base says', async () => {
  await using yard = await startYard();
  await yard.server.commit('main', {
    'big.bin': 'version https://git-lfs\n',
    '.gitattributes': '*.bin filter=lfs\n',
  });

  const workspace = await yard.open(await yard.spec());

  expect(await workspace.changes(await workspace.snapshot())).toEqual([]);
});
