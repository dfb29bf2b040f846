import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { listProcesses } from '../../src/lib/list-processes.ts';
import { endAttemptProcesses, findAttemptProcesses } from '../../src/runner/attempt-processes.ts';
import { aJobSpec } from '../support/job-spec.ts';
import { until } from '../support/until.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

test('finds what was started with the mark or the HOME of the attempt, and its descendants', async () => {
  const { attemptId } = aJobSpec();
  const marked = sleep({ YARDMASTER_ATTEMPT: attemptId });
  const atHome = sleep({ HOME: `/home/of/${attemptId}` });
  const stranger = sleep({ YARDMASTER_ATTEMPT: 'another' });
  // A parent that is marked, with a child that has no environment at all.
  const parent = start('sh', ['-c', 'env -i sleep 60 & wait'], { YARDMASTER_ATTEMPT: attemptId });
  const marks = { attemptId, homeFolder: `/home/of/${attemptId}`, processes: [] };

  const found = await until('the grandchild runs', async () => {
    const processes = await findAttemptProcesses(marks);
    return processes.length === 4 && processes;
  });

  expect(await findAttemptProcesses(marks, 'own')).toEqual(found);
  const pids = found.map(({ pid }) => pid);
  expect(pids).toEqual(expect.arrayContaining([marked.pid, atHome.pid, parent.pid]));
  expect(pids).not.toContain(stranger.pid);
  expect(await endAttemptProcesses(marks, systemClock)).toBe(4);
  expect(stranger.exitCode).toBe(null);
});

test('kills a process known from earlier only if it is the same one', async () => {
  const { attemptId } = aJobSpec();
  const child = sleep({});
  const startedAt = (await listProcesses()).find(({ pid }) => pid === child.pid)?.startedAt ?? '';
  const pid = child.pid ?? 0;

  const other = { attemptId, homeFolder: null, processes: [{ pid, startedAt: `${startedAt}0` }] };
  expect(await endAttemptProcesses(other, systemClock)).toBe(0);
  expect(child.exitCode).toBe(null);

  const same = { attemptId, homeFolder: null, processes: [{ pid, startedAt }] };
  const exited = once(child, 'exit');
  expect(await endAttemptProcesses(same, systemClock)).toBe(1);
  await exited;
});

function sleep(env: Record<string, string>): ChildProcess {
  return start('sleep', ['60'], env);
}

function start(file: string, args: string[], env: Record<string, string>): ChildProcess {
  const child = spawn(file, args, { env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' });
  children.push(child);
  return child;
}
