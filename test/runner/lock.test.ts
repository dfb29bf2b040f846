import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeWorkspaceLock } from '../../src/runner/lock.ts';

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
