import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareXdgFolders, toXdgVariables } from '../../../src/runner/agents/agent-folder.ts';
import { type AgentFolders, anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';

let folders: AgentFolders;
beforeEach(async () => {
  folders = await makeAgentFolders();
});
afterEach(() => folders[Symbol.asyncDispose]());

async function put(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, 'planted');
}

test('the agent finds what set-up left for other programs, and nothing that was left for itself', async () => {
  const { home, agent } = folders;
  for (const name of ['.cache/pip/x', '.cache/tool/x', '.config/tool/x', '.local/share/tool/x'])
    await put(join(home, name));
  const variables = Object.values(toXdgVariables(agent));

  await prepareXdgFolders(anAgentTask(folders), ['tool', 'other']);
  // A second round: what its commands have made is theirs.
  await put(join(agent, '.config/pip/pip.conf'));
  await put(join(home, '.config/pip/pip.conf'));
  await put(join(home, '.cache/uv/x'));
  await prepareXdgFolders(anAgentTask(folders), ['tool', 'other']);

  expect(await Promise.all(variables.map((folder) => readdir(folder)))).toEqual([
    ['pip'],
    [],
    [],
    ['pip', 'uv'],
  ]);
  expect(await readlink(join(agent, '.cache/pip'))).toBe(join(home, '.cache/pip'));
  expect(await readdir(join(agent, '.config/pip'))).toEqual(['pip.conf']);
});

test('no link that was left in HOME or in the agent’s folder leads the runner elsewhere', async () => {
  const { home, agent, root } = folders;
  const elsewhere = join(root, 'elsewhere');
  await put(join(elsewhere, 'share/secret-name'));
  await put(join(elsewhere, 'secret-name'));
  await symlink(elsewhere, join(home, '.cache'));
  await symlink(elsewhere, join(home, '.local'));
  await put(join(home, '.config/pip/pip.conf'));
  await symlink(elsewhere, join(agent, '.config'));

  await prepareXdgFolders(anAgentTask(folders), []);

  expect((await readdir(agent, { recursive: true })).join()).not.toContain('secret-name');
  expect((await readdir(elsewhere)).toSorted()).toEqual(['secret-name', 'share']);
  expect(await readFile(join(agent, '.config/pip/pip.conf'), 'utf8')).toBe('planted');
});
