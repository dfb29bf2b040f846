import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { choosePrunable, type InventoryItem } from '../../../src/runner/workspace/inventory.ts';
import { startYard } from '../../support/workspaces.ts';

const DAY_MS = 24 * 60 * 60_000;

test('what attempts hold is told, and stays; what nobody holds goes', async () => {
  await using yard = await startYard();
  await yard.server.commit('main', { 'README.md': 'Hello\n' });
  const spec = await yard.spec();
  const workspace = await yard.open(spec);
  await writeFile(path.join(workspace.folder, 'large'), Buffer.alloc(3 * 1024 ** 2, 'x'));
  const leftOver = '0199a1b2-0000-7000-8000-00000000dead';
  await mkdir(path.join(yard.root, 'attempts', leftOver, 'work'), { recursive: true });
  await mkdir(path.join(yard.root, 'private', `${leftOver}.git`));
  await mkdir(path.join(yard.root, 'mirrors', '1.git'));
  await writeFile(path.join(yard.root, 'mirrors', '1.git', 'HEAD'), 'ref: refs/heads/main\n');
  await mkdir(path.join(yard.root, 'aside', 'lost-one'), { recursive: true });
  await mkdir(path.join(yard.root, 'refused'));
  await writeFile(path.join(yard.root, 'refused', 'old.patch'), 'a patch');

  const items = await yard.workspaces.inventory();
  const found = Object.fromEntries(items.map(({ name, ...item }) => [name, item]));

  expect(found[spec.attemptId]).toMatchObject({ kind: 'workspace', isInUse: true, path: workspace.folder });
  expect(found[spec.attemptId]?.bytes).toBeGreaterThan(3 * 1024 ** 2);
  expect(found[`${spec.repository.owner}/${spec.repository.name}`]).toMatchObject({
    kind: 'mirror',
    isInUse: true,
  });
  expect(found['1.git']).toMatchObject({ kind: 'mirror', isInUse: false });
  expect(found['old.patch']).toMatchObject({ kind: 'patch', isInUse: false });
  expect(items[0]?.name).toBe(spec.attemptId);

  const planned = await yard.workspaces.prune({ unusedMs: 0, isDryRun: true });
  expect(planned.map(({ name }) => name).sort()).toEqual([leftOver, '1.git', 'lost-one', 'old.patch'].sort());
  expect(await yard.workspaces.inventory()).toHaveLength(6);
  await yard.workspaces.prune({ unusedMs: 0, isDryRun: false });

  expect((await yard.workspaces.inventory()).map(({ isInUse }) => isInUse)).toEqual([true, true]);
  expect(await readdir(path.join(yard.root, 'private'))).toEqual([`${spec.attemptId}.git`]);
  // And it still is what it was.
  expect(await workspace.files(await workspace.snapshot())).toContain('large');

  await workspace.remove();
  await utimes(path.join(yard.root, 'mirrors', `${spec.repository.id}.git`, 'HEAD'), 100, 100);
  const rest = await yard.workspaces.prune({ unusedMs: DAY_MS, isDryRun: false });
  expect(rest.map(({ kind }) => kind)).toEqual(['mirror']);
  expect(await yard.workspaces.inventory()).toEqual([]);
});

test.each<[string, Partial<InventoryItem>, boolean]>([
  ['a workspace in use', { isInUse: true, usedMs: 0 }, false],
  ['a left-over of just now', {}, true],
  ['a mirror that was used yesterday', { kind: 'mirror' }, false],
  ['a mirror that was not used for a month', { kind: 'mirror', usedMs: 70 * DAY_MS }, true],
  ['a mirror in use', { kind: 'mirror', usedMs: 70 * DAY_MS, isInUse: true }, false],
  ['what was set aside a month ago', { kind: 'aside', usedMs: 70 * DAY_MS }, true],
  ['what was set aside just now', { kind: 'aside' }, false],
  ['what was kept of a workspace a month ago', { kind: 'kept', usedMs: 70 * DAY_MS }, true],
  ['what was kept of a workspace just now', { kind: 'kept' }, false],
  ['an old patch', { kind: 'patch', usedMs: 70 * DAY_MS }, true],
  ['a new patch', { kind: 'patch' }, false],
])('%s', (_name, overrides, goes) => {
  const item: InventoryItem = {
    kind: 'workspace',
    name: 'it',
    path: '/it',
    bytes: 1,
    usedMs: 99 * DAY_MS,
    isInUse: false,
    ...overrides,
  };

  expect(choosePrunable([item], { nowMs: 100 * DAY_MS, unusedMs: 14 * DAY_MS })).toEqual(goes ? [item] : []);
});
