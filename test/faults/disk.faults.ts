import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { PATIENCE_MS } from './support/fault-timings.ts';
import { type FaultYard, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLost } from './support/nothing-lost.ts';
import { pass } from './support/pass.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

const MIB = 1024 ** 2;
const isMountable = await canMount();

describe.skipIf(!isMountable)('disk full', () => {
  test('below the floor no work is taken; with room again it is', async (context) => {
    await using disk = await mountSmallDisk(64);
    await using yard = await startFaultYard({ runners: [] });
    await yard.addRunner('small', {
      workspaceRoot: path.join(disk.folder, 'work'),
      tuning: { minFreeDiskBytes: 40 * MIB },
    });
    const ballast = path.join(disk.folder, 'ballast');
    await writeFile(ballast, Buffer.alloc(40 * MIB));
    // The poll under way promised slots when there was room.
    yard.runner('small').network.dropConnections();
    await pass(1000);

    const issue = await yard.ask();
    await pass(2000);
    expect((await yard.jobs())[0]?.state).toBeOneOf(['queued', 'offered']);
    await rm(ballast);
    const roomMs = performance.now();
    yard.runner('small').network.dropConnections();

    await yard.jobIn(issue, 'succeeded');
    noteRecovery(context, 'disk full', 'below the floor, then room', [elapsedMs(roomMs)]);
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
  });

  const FULL_BY: readonly [string, string, (ballast: string) => Promise<void>][] = [
    ['by something else', 'Please wait, then do it', fillUp],
    ['by its agent', 'Please wait, then fill the disk', () => Promise.resolve()],
  ];

  test.for(FULL_BY)(
    'full in the middle of a run, %s: it ends with the reason, is cleaned up, and the job is done elsewhere',
    async ([by, title, fill], context) => {
      await using disk = await mountSmallDisk(48);
      await using yard = await startFaultYard({ runners: [] });
      const workspaceRoot = path.join(disk.folder, 'work');
      await yard.addRunner('small', { workspaceRoot, tuning: { minFreeDiskBytes: 8 * MIB } });
      const issue = await yard.ask(title);
      await yard.jobIn(issue, 'running');
      const ballast = path.join(disk.folder, 'ballast');
      await fill(ballast);
      // Its agent fills nothing, whatever the title says: its disk is that of the whole machine.
      await yard.addRunner('large', { agent: ['/bin/sh', '-c', 'date >result.txt'] });
      const fullMs = performance.now();

      await yard.goOn();

      await yard.jobIn(issue, 'succeeded');
      noteRecovery(context, 'disk full', `in the middle of a run, ${by}`, [elapsedMs(fullMs)]);
      await rm(ballast, { force: true });
      await assertNothingLost(yard, { [issue]: ['succeeded'] });
      expect(await attemptsOf(yard, issue)).toEqual([
        {
          runner: 'small',
          outcome: 'cancelled',
          reason: expect.stringMatching(/^The disk of the runner is full: /),
        },
        { runner: 'large', outcome: 'pull_request', reason: expect.any(String) },
      ]);
      expect(await yard.database.query('select infrastructure_retries, work_retries from jobs')).toEqual([
        { infrastructure_retries: 1, work_retries: 0 },
      ]);
      expect(await readdir(path.join(workspaceRoot, 'attempts'))).toEqual([]);
    },
  );

  test('the coordinator’s own disk is full: nothing is acknowledged that is not kept', async (context) => {
    await using disk = await mountSmallDisk(16);
    const dataFolder = path.join(disk.folder, 'data');
    await using yard = await startFaultYard({ dataFolder });
    const before = await yard.ask();
    await yard.jobIn(before, 'succeeded');
    const ballast = path.join(disk.folder, 'ballast');
    await fillUp(ballast);

    const issues = [await yard.ask(), await yard.ask(), await yard.ask()];
    await yard.github.webhooks.idle();
    await pass(1000);
    expect(yard.coordinator().isRunning()).toBe(true);
    await rm(ballast);
    const roomMs = performance.now();
    await yard.redeliverFailed();

    await assertNothingLost(
      yard,
      Object.fromEntries([before, ...issues].map((issue) => [issue, ['succeeded']])),
    );
    noteRecovery(context, 'disk full', 'data folder full, then room', [elapsedMs(roomMs)]);
  });
});

test.skipIf(isMountable)(
  'no small disk can be mounted here, so what happens on a full one is not tested',
  ({ skip }) => {
    skip('it takes the right to mount a tmpfs: run as root');
  },
);

/** Of its one job, the oldest first. */
async function attemptsOf(yard: FaultYard, issue: number) {
  const rows = await yard.database.query(
    `select a.runner_name, a.outcome, a.result from attempts a join jobs j on j.id = a.job_id
      where j.issue_number = ${issue} order by a.number`,
  );
  return rows.map((row) => {
    const { reason } = JSON.parse((row['result'] as string | null) ?? '{}') as { reason?: string };
    return { runner: row['runner_name'], outcome: row['outcome'], reason };
  });
}

async function fillUp(file: string): Promise<void> {
  await promisify(execFile)('dd', ['if=/dev/zero', `of=${file}`, 'bs=64k']).catch(() => undefined);
  const { bavail } = await statfs(path.dirname(file));
  expect(bavail, 'blocks left on a disk that is full').toBe(0);
}

async function mountSmallDisk(mebibytes: number) {
  const folder = await mkdtemp(path.join(tmpdir(), 'yard-disk-'));
  await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]);
  return {
    folder,
    async [Symbol.asyncDispose](): Promise<void> {
      await until(
        'the disk is let go of',
        () =>
          promisify(execFile)('umount', [folder])
            .then(() => true)
            .catch(() => false),
        PATIENCE_MS,
        100,
      );
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function canMount(): Promise<boolean> {
  try {
    await using _ = await mountSmallDisk(1);
    return true;
  } catch {
    // Not root, or in a container that may not mount.
    return false;
  }
}
