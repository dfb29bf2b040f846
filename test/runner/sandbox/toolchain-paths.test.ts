import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installationAround, installationOf, withoutNested } from '../../../src/runner/sandbox/paths.ts';
import { findToolchains, showProgram } from '../../../src/runner/sandbox/toolchain-paths.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'toolchains-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function makeProgram(name: string): Promise<string> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, '#!/bin/sh\n');
  await chmod(file, 0o755);
  return file;
}

test.each([
  ['/opt/agent/bin/agent', '/opt/agent'],
  ['/opt/agent/agent.mjs', '/opt/agent'],
  ['/opt/agent.mjs', '/opt/agent.mjs'],
  ['/opt/bin/agent', '/opt/bin'],
  ['/home/me/agent.mjs', '/home/me/agent.mjs'],
  ['/home/me/.local/bin/agent', '/home/me/.local'],
  ['/srv/runner/agent.mjs', '/srv/runner/agent.mjs'],
])('of %s is shown %s', (program, shown) => {
  expect(installationOf(program, ['/home/me', '/srv/runner/runner.yml'])).toBe(shown);
});

test('a folder that holds what must stay hidden is not shown', () => {
  expect(installationAround('/srv/bin', ['/srv/bin/key'])).toBe(null);
});

test('what another folder holds is not shown twice', () => {
  expect(withoutNested(['/usr/lib', '/usr', '/usrx', '/opt/a', '/usr'])).toEqual(['/opt/a', '/usr', '/usrx']);
});

test('of the PATH, folders in the home folder, links of projects and relative ones are left out', async () => {
  await makeProgram('home/.cargo/bin/cargo');
  await makeProgram('project/node_modules/.bin/tool');
  await makeProgram('tools/bin/tool');
  const at = (name: string): string => path.join(folder, name);

  const { folders } = await findToolchains({
    path: ['home/.cargo/bin', 'project/node_modules/.bin', 'tools/bin', 'missing/bin']
      .map(at)
      .concat('bin', '/')
      .join(':'),
    programs: [],
    homeFolder: at('home'),
    hidden: [],
  });

  expect(folders.filter((shown) => shown.startsWith(folder))).toEqual([at('tools/bin')]);
  expect(folders).not.toContain('/');
  expect(folders.some((shown) => /shadow|passwd|private/.test(shown))).toBe(false);
});

test('a program behind a link is shown where it is, with the link', async () => {
  const real = await makeProgram('packages/agent/bin/agent');
  await mkdir(path.join(folder, 'links'));
  const link = path.join(folder, 'links', 'agent');
  await symlink(real, link);

  expect(await showProgram(link, [])).toEqual({
    folders: [path.join(folder, 'packages/agent')],
    links: [{ at: link, target: real }],
  });
});
