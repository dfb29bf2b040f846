import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { decidePermission } from '../../../src/runner/agents/acp-permission.ts';

const OPTIONS = ['allow_always', 'allow_once', 'reject_always', 'reject_once'].map((kind) => ({
  optionId: kind,
  kind,
}));

function decide(
  kind: string | null,
  paths: string[],
  isSandboxed: boolean,
  options = OPTIONS,
  folder = '/project',
) {
  const toolCall = { kind, title: null, locations: paths.map((path) => ({ path })) };
  return decidePermission({ toolCall, options }, { isSandboxed, folder });
}

test.each([
  ['anything in a sandbox', 'execute', ['/etc/passwd'], true, 'allow_once'],
  ['a kind that is not told, in a sandbox', null, [], true, 'allow_once'],
  ['editing in the workspace', 'edit', ['/project/a.ts', 'b.ts', '/project/..c'], false, 'allow_once'],
  ['the workspace itself', 'search', ['/project'], false, 'allow_once'],
  ['editing outside', 'edit', ['/project/a.ts', '/project/../etc/passwd'], false, 'reject_once'],
  ['reading a neighbour', 'read', ['/projectshop/secret'], false, 'reject_once'],
  ['a command without a sandbox', 'execute', [], false, 'reject_once'],
  ['what comes later', 'teleport', [], false, 'reject_once'],
  ['a kind that is not told', null, [], false, 'reject_once'],
  ['editing nobody knows where', 'edit', [], false, 'reject_once'],
  ['deleting nobody knows where', 'delete', [], false, 'reject_once'],
  ['moving nobody knows where', 'move', [], false, 'reject_once'],
  ['searching everywhere', 'search', [], false, 'allow_once'],
])('%s', (_what, kind, paths, isSandboxed, expected) => {
  expect(decide(kind, paths, isSandboxed)).toMatchObject({
    outcome: { outcome: 'selected', optionId: expected },
    isAllowed: expected === 'allow_once',
  });
});

test('without a fitting option it is called off', () => {
  const [, , ...rejecting] = OPTIONS;
  expect(decide('edit', [], true, rejecting)).toMatchObject({
    outcome: { outcome: 'cancelled' },
    isAllowed: false,
  });
  expect(decide('execute', [], false, OPTIONS.slice(0, 2))).toMatchObject({
    outcome: { outcome: 'cancelled' },
    isAllowed: false,
  });
});

test('links are followed, those to nowhere too', async () => {
  const root = await mkdtemp(join(tmpdir(), 'permission-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'project/src'), { recursive: true });
  await mkdir(join(root, 'outside/deep'), { recursive: true });
  // As on machines whose temporary folder is a link.
  await symlink('project', join(root, 'same'));
  await symlink('../outside/deep', join(root, 'project/out'));
  await symlink('../outside/new.txt', join(root, 'project/dangling'));
  await symlink('loop', join(root, 'project/loop'));
  await symlink('src', join(root, 'project/in'));
  const isAllowed = (path: string, folder = join(root, 'project')): boolean =>
    decide('edit', [path], false, OPTIONS, folder).isAllowed;

  const paths = [
    'src/new/a.ts',
    'in/a.ts',
    'new/../a.ts',
    'out',
    'out/a.ts',
    'out/../a.ts',
    'new/../out/a.ts',
    'dangling',
    'loop/a',
  ];
  expect(paths.filter((path) => isAllowed(path))).toEqual(['src/new/a.ts', 'in/a.ts', 'new/../a.ts']);
  expect(isAllowed('src/a.ts', join(root, 'same'))).toBe(true);
});
