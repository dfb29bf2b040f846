import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunnerId } from '../../src/contract/identifiers.ts';
import { findStateFolder, takeIdentityLock, takeWorkspaceLock } from '../../src/runner/lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'runner-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a second runner is refused, and told who has the folder and what to do', async () => {
  const state = path.join(folder, 'state');
  const first = await takeWorkspaceLock(state);

  const second = await takeWorkspaceLock(state);

  expect(second).toEqual({
    ok: false,
    problem: `another runner (process ${process.pid}) works in ${folder}: stop it, or give this one a workspace_root of its own`,
  });
  if (first.ok) first.lock.release();
});

test('an identity is taken once, wherever its runners work; others are free', async () => {
  const runnerId = '0198c0de-0000-7000-8000-000000000001' as RunnerId;
  const identity = { stateFolder: folder, runnerId, workspaceRoot: '/srv/one' };
  const first = await takeIdentityLock(identity);

  const second = await takeIdentityLock({ ...identity, workspaceRoot: '/srv/two' });
  const other = await takeIdentityLock({
    ...identity,
    runnerId: '0198c0de-0000-7000-8000-000000000002' as RunnerId,
  });

  expect(second).toEqual({
    ok: false,
    problem: `another runner (process ${process.pid}, in /srv/one) has the same identity, ${runnerId}: stop it, or make this one a runner of its own with a key_file of its own and “yardmaster runner enroll”`,
  });
  expect(other.ok).toBe(true);
  for (const taken of [first, other]) if (taken.ok) taken.lock.release();
});

test.each([
  [{}, '/home/ann/.local/state/yardmaster'],
  [{ XDG_STATE_HOME: '/var/lib/ann' }, '/var/lib/ann/yardmaster'],
  [{ XDG_STATE_HOME: 'state' }, '/home/ann/.local/state/yardmaster'],
  [{ XDG_STATE_HOME: '' }, '/home/ann/.local/state/yardmaster'],
])('with %j the state of a user is in %s', (environment, stateFolder) => {
  expect(findStateFolder(environment, '/home/ann')).toBe(stateFolder);
});

test('a released lock can be taken again', async () => {
  const first = await takeWorkspaceLock(folder);
  if (first.ok) first.lock.release();

  const second = await takeWorkspaceLock(folder);

  expect(second.ok).toBe(true);
  if (second.ok) second.lock.release();
});

test('the lock is free once its process is killed', async () => {
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `const { takeWorkspaceLock } = await import(${JSON.stringify(path.resolve('src/runner/lock.ts'))});
       globalThis.taken = await takeWorkspaceLock(${JSON.stringify(folder)});
       console.log(globalThis.taken.ok);
       setInterval(() => undefined, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  expect(said.toString().trim()).toBe('true');
  expect(await takeWorkspaceLock(folder)).toMatchObject({ ok: false });

  holder.kill('SIGKILL');
  await once(holder, 'exit');

  const after = await takeWorkspaceLock(folder);
  expect(after.ok).toBe(true);
  if (after.ok) after.lock.release();
});
