import { existsSync } from 'node:fs';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { JobSpec } from '../../../../src/contract/job.ts';
import { chooseOverQuota } from '../../../../src/runner/disk-quota.ts';
import type { Found, KeepWish } from '../../../../src/runner/workspace/kept/keeping.ts';
import type { Workspace } from '../../../../src/runner/workspace/workspace-types.ts';
import { aRevision } from '../../../support/job-builders.ts';
import { gitIn, startYard, type WorkspaceYard } from '../../../support/workspaces.ts';

const SESSION = '01234567-89ab-4cde-8f01-23456789abcd';
const TRANSCRIPT = `.agent/${SESSION}.jsonl`;
const COMMANDS = [['npm', 'ci']];

// There every change goes unseen, so nothing of set-up is kept.
const isInMemory = (await statfs(tmpdir())).type === 0x01021994;

/** Why nothing of set-up is there. */
function whyNot(onDisk: string): object {
  return { whyNot: expect.stringContaining(isInMemory ? 'is in memory' : onDisk) };
}

let yard: WorkspaceYard;
let branches = 0;
beforeAll(async () => {
  yard = await startYard();
  await yard.server.commit('main', {
    'a.txt': 'before\n',
    'package.json': '{}\n',
    '.gitignore': 'node_modules/\n',
  });
});
afterAll(() => yard[Symbol.asyncDispose]());

describe('a workspace that is kept for the next round', () => {
  it.skipIf(isInMemory)(
    'is found by it: what set-up made, and the session, at the head of the pull request',
    async () => {
      const first = await workOnce();
      await writeFile(join(first.workspace.folder, 'node_modules/tool/of-the-agent.js'), 'evil\n');
      await writeFile(join(first.workspace.homeFolder, '.bashrc'), 'evil\n');
      await first.workspace.keep(wishFor(first.head));
      const head = await yard.server.commit(first.branch, { 'notes.txt': 'mine\n' });

      const workspace = await openRound(first.branch, head);

      // Installations hold their own paths.
      expect(workspace.folder).toBe(first.workspace.folder);
      expect(await readdir(join(workspace.folder, 'node_modules/tool'))).toEqual(['cli.js']);
      expect(await readFile(join(workspace.folder, 'node_modules/tool/cli.js'), 'utf8')).toBe('tool\n');
      expect(await readFile(join(workspace.folder, 'a.txt'), 'utf8')).toBe('worked\n');
      expect(await readFile(join(workspace.folder, 'notes.txt'), 'utf8')).toBe('mine\n');
      expect(await list(workspace.homeFolder)).toEqual(['.cache', '.cache/tool']);
      expect(await list(workspace.agentFolder)).toEqual(['.agent', TRANSCRIPT]);
      expect(foundBy(workspace)).toMatchObject({
        session: { agent: 'claude', version: '2.1', id: SESSION, files: [TRANSCRIPT] },
        setUp: { commands: COMMANDS, commit: first.workspace.base },
        changedSinceSetUp: ['a.txt', 'notes.txt'],
        goesOn: true,
      });
      expect(await workspace.changes(await workspace.snapshot())).toEqual([]);
      expect(await gitIn(workspace.folder, 'status', '--porcelain')).toBe('');

      const found = foundBy(workspace);
      await found.dropSession();
      await found.dropSetUp();
      for (const own of [workspace.homeFolder, workspace.agentFolder]) expect(await readdir(own)).toEqual([]);
      const files = ['.git', '.gitignore', 'a.txt', 'notes.txt', 'package.json'];
      expect((await readdir(workspace.folder)).toSorted()).toEqual(files);
      expect(await workspace.changes(await workspace.snapshot())).toEqual([]);
      await workspace.keep(wishFor(head));

      await yard.server.git('update-ref', `refs/heads/${first.branch}`, 'main');
      const rewritten = await openRound(first.branch, await yard.server.git('rev-parse', 'main'));
      expect(foundBy(rewritten).goesOn).toBe(false);
      await rewritten.remove();
    },
  );

  it('holds nothing else of what an agent left, whatever that prepared for the next', async () => {
    const { workspace, head, branch } = await workOnce();
    const loot = await mkdtemp(join(tmpdir(), 'loot-'));
    onTestFinished(() => rm(loot, { recursive: true, force: true }));
    const trap = `#!/bin/sh\ntouch ${loot}/sprung\n`;
    const git = join(workspace.folder, '.git');
    for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction', 'pre-commit'])
      await put(join(git, 'hooks', hook), trap);
    await put(join(workspace.tempFolder, 'trap'), trap);
    for (const key of ['core.fsmonitor', 'filter.evil.smudge', 'filter.evil.process', 'core.hooksPath'])
      await gitIn(workspace.folder, 'config', key, join(workspace.tempFolder, 'trap'));
    await put(join(git, 'info', 'attributes'), '* filter=evil\n');
    await put(join(git, 'objects', 'info', 'alternates'), `${loot}\n`);
    // A .git that leads to another one.
    await rename(git, join(workspace.folder, 'elsewhere'));
    await symlink('elsewhere', git);
    // Programs where the next would look for them, and where git ignores them.
    await put(join(workspace.folder, 'node_modules/.bin/npm'), trap);
    await put(join(workspace.folder, 'node_modules/new/index.js'), trap);
    await put(join(workspace.homeFolder, '.npmrc'), 'script-shell=/bin/false\n');
    await put(join(workspace.homeFolder, '.gitconfig'), `[core]\n\tfsmonitor = ${loot}/trap\n`);
    await put(join(workspace.agentFolder, '.claude/settings.json'), '{}');
    await symlink('/etc', join(workspace.folder, 'node_modules/etc'));
    // A session that shows files of the machine, and folders that nobody may look into.
    await symlink('/etc/passwd', join(workspace.agentFolder, `.agent/x-${SESSION}.jsonl`));
    const second = join(workspace.agentFolder, `.agent/y-${SESSION}.jsonl`);
    await link(join(workspace.homeFolder, '.cache/tool'), second);
    await mkdir(join(workspace.folder, 'shut/in'), { recursive: true });
    await chmod(join(workspace.folder, 'shut'), 0o000);

    await workspace.keep(wishFor(head));

    // The link to `.cache/tool` has changed it, so all of it went.
    const kept = join(workspace.folder, '..');
    expect(await list(kept)).toEqual(['agent', 'agent/.agent', `agent/${TRANSCRIPT}`, 'home', 'work']);
    const next = await openRound(branch, head);
    expect(foundBy(next).setUp).toEqual(whyNot('what set-up had made was changed since'));
    expect(await gitIn(next.folder, 'status', '--porcelain')).toBe('');
    expect(await readdir(join(next.folder, '.git', 'info'))).toEqual(['exclude']);
    expect(existsSync(join(loot, 'sprung'))).toBe(false);
    await next.remove();
  });

  it('is not made of what set-up built of the code itself, nor of a session whose name is an option', async () => {
    const spec = await yard.spec({ branch: nextBranch() });
    const workspace = await yard.open(spec);
    await put(join(workspace.folder, 'dist/a.js'), 'built\n');
    await workspace.noteSetUp({ commands: COMMANDS, commit: workspace.base });
    await put(join(workspace.agentFolder, TRANSCRIPT), 'said\n');
    await workspace.keep(wishFor(workspace.base, { id: '--dangerously-skip-permissions' }));

    const next = await openRound(spec.branch, workspace.base);

    expect(existsSync(join(next.folder, 'dist'))).toBe(false);
    for (const own of [next.homeFolder, next.agentFolder]) expect(await readdir(own)).toEqual([]);
    expect(foundBy(next).session).toHaveProperty('whyNot');
    expect(foundBy(next).setUp).toEqual(whyNot('"dist/a.js"'));
    await next.remove();
  });

  it('goes to one of two rounds, outlives a restart unless it is in use, and goes when its room is needed', async () => {
    const { workspaces, root } = yard;
    const first = await workOnce();
    const wish = wishFor(first.head);
    await first.workspace.keep(wish);
    expect(await kinds()).toContain('kept');

    await workspaces.sweep([]);
    const rounds = await Promise.all([1, 2].map(() => openRound(first.branch, first.head)));

    const [warm, ...more] = rounds.filter(({ found }) => !('whyNot' in found));
    const [cold] = rounds.filter(({ found }) => 'whyNot' in found);
    expect(more).toEqual([]);
    expect(cold?.folder).not.toBe(warm?.folder);
    expect(cold?.found).toHaveProperty('whyNot');
    // In use it is, whatever it is called.
    expect(await workspaces.prune({ unusedMs: 0, isDryRun: true })).toEqual([]);
    await cold?.remove();
    await warm?.keep(wish);
    for (const item of chooseOverQuota(await workspaces.inventory(), { total: 0 }))
      await workspaces.discard(item);
    expect(await workspaces.inventory()).toEqual([]);

    const again = await openRound(first.branch, first.head);
    expect(again.found).toEqual({ whyNot: expect.stringContaining('nothing of the work before is kept') });
    await again.keep(wish);
    expect('whyNot' in (await openRound(first.branch, first.head)).found).toBe(false);
    // Killed in the middle of it.
    await workspaces.sweep([]);
    expect(await readdir(join(root, 'attempts'))).toEqual([]);
    expect(await readdir(join(root, 'kept'))).toEqual([]);
  });
});

async function kinds(): Promise<string[]> {
  return (await yard.workspaces.inventory()).map(({ kind }) => kind);
}

function nextBranch(): string {
  return `agent/${(branches += 1)}-work`;
}

/** An attempt whose set-up installs, whose agent works and speaks, and whose work is pushed. */
async function workOnce(): Promise<{ workspace: Workspace; head: string; branch: string }> {
  const branch = nextBranch();
  const spec = await yard.spec({ branch });
  const workspace = await yard.open(spec);
  await put(join(workspace.folder, 'node_modules/tool/cli.js'), 'tool\n');
  await put(join(workspace.folder, 'node_modules/other/cli.js'), 'other\n');
  await put(join(workspace.homeFolder, '.cache/tool'), 'cached\n');
  await workspace.noteSetUp({ commands: COMMANDS, commit: workspace.base });

  await put(join(workspace.folder, 'a.txt'), 'worked\n');
  await put(join(workspace.agentFolder, TRANSCRIPT), 'said\n');
  const head = await workspace.commit(await workspace.snapshot(), 'Work', spec.commitAuthor);
  expect(await workspace.push(head)).toEqual({ kind: 'pushed' });
  return { workspace, head, branch };
}

async function openRound(branch: string, head: string): Promise<Workspace> {
  const { counted: _counted, reviewers: _reviewers, runnerId: _runnerId, ...facts } = aRevision();
  const baseCommit = await yard.server.git('rev-parse', 'main');
  const spec: JobSpec = {
    ...(await yard.spec({ kind: 'revise', branch: nextBranch() })),
    branch,
    base: { branch: 'main', commit: head },
    startCommit: head,
    revision: { ...facts, baseCommit },
  };
  return await yard.open(spec);
}

function wishFor(head: string, session: object = {}): KeepWish {
  return {
    head,
    session: {
      agent: 'claude',
      version: '2.1',
      id: SESSION,
      isFile: (path: string) => path.startsWith('.agent/'),
      holdsSecret: () => false,
      ...session,
    },
  };
}

function foundBy({ found }: Workspace): Found {
  if ('whyNot' in found) throw new Error(found.whyNot);
  return found;
}

async function list(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).toSorted();
}

async function put(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, text, { mode: 0o755 });
}
