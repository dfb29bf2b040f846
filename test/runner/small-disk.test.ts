import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { AttemptId } from '../../src/contract/identifiers.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { AttemptStop } from '../../src/runner/attempt-stop.ts';
import { createDiskRoom } from '../../src/runner/disk-room.ts';
import { createQuotaWatch } from '../../src/runner/watch-quota.ts';
import { watchDisk } from '../../src/runner/watch-disk.ts';
import { createWorkspaces } from '../../src/runner/workspace/create-workspaces.ts';
import { canMount, mountSmallDisk } from '../support/small-disk.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';
import { startYard } from '../support/workspaces.ts';

const MIB = 1024 ** 2;
const isMountable = await canMount();
const PATH = process.env['PATH'];

/** Writes files until it is stopped or there is no room, the way a script of a repository would. */
const FILL = 'i=0; while [ $i -lt 100000 ]; do printf %s "$1" > "f$i" || exit 0; i=$((i+1)); done';

describe.skipIf(!isMountable)('many files on a small disk', () => {
  test.each([
    ['its blocks run out', { mebibytes: 24 }, 'x'.repeat(16_384)],
    ['its inodes run out', { mebibytes: 2000, files: 3000 }, 'x'],
  ])('%s: what runs is ended with the reason, and its room given back', async (_name, size, content) => {
    await using disk = await mountSmallDisk(size);
    const workspaces = createWorkspaces({ root: disk.folder, log: createTestLogger(), machineEnv: { PATH } });
    await workspaces.sweep([]);
    const floors = { begin: 12 * MIB, goOn: 4 * MIB };
    const room = createDiskRoom(workspaces, floors);
    const folder = path.join(disk.folder, 'attempts', 'a');
    await mkdir(folder);
    const stopped: AttemptStop[] = [];
    const ended = Promise.withResolvers<never>();
    const over = new AbortController();
    expect(await room.toGoOn()).toBeNull();

    const filling = promisify(execFile)('sh', ['-c', FILL, 'sh', content], { cwd: folder });
    const watching = watchDisk(
      {
        disk: room,
        attempts: () => [
          {
            attemptId: 'a' as AttemptId,
            ended: ended.promise,
            stop: (why) => {
              stopped.push(why);
              filling.child.kill();
            },
          },
        ],
        everyMs: 20,
        clock: systemClock,
        log: createTestLogger(),
      },
      over.signal,
    );
    await filling.catch(() => undefined);
    await until('it is stopped', () => stopped.length > 0);
    ended.resolve(undefined as never);
    over.abort();
    await watching;

    expect(stopped[0]?.kind).toBe('disk_full');
    expect((await readdir(folder)).length, 'files that it made').toBeGreaterThan(500);
    await rm(folder, { recursive: true });
    expect(await room.toGoOn()).toBeNull();
  });

  test('who takes more than its part ends, not who began last, and mirrors go by last use', async () => {
    await using disk = await mountSmallDisk({ mebibytes: 64 });
    await using yard = await startYard({ root: disk.folder });
    await yard.server.commit('main', { a: 'a\n' });
    const greedy = await yard.open(await yard.spec({ branch: 'agent/1-greedy' }));
    const greedyId = path.basename(path.dirname(greedy.folder)) as AttemptId;
    const modest = await yard.open(await yard.spec({ branch: 'agent/2-modest' }));
    const modestId = path.basename(path.dirname(modest.folder)) as AttemptId;
    for (const [at, name] of ['7001.git', '7002.git'].entries()) {
      const mirror = path.join(disk.folder, 'mirrors', name);
      await mkdir(mirror);
      await writeFile(path.join(mirror, 'HEAD'), 'ref: refs/heads/main\n');
      await writeFile(path.join(mirror, 'pack'), Buffer.alloc(4 * MIB, 1));
      await utimes(path.join(mirror, 'HEAD'), 1000 + at, 1000 + at);
    }
    for (let file = 0; file < 500; file += 1)
      await writeFile(path.join(greedy.folder, `f${file}`), Buffer.alloc(16_384, 1));
    const stopped: string[] = [];
    const lines: Record<string, unknown>[] = [];
    const over = new AbortController();
    const watch = createQuotaWatch({
      workspaces: yard.workspaces,
      quota: () => ({ total: 14 * MIB, attempt: 6 * MIB }),
      attempts: () =>
        [greedyId, modestId].map((attemptId) => ({
          attemptId,
          stop: ({ kind }) => stopped.push(`${kind}: ${attemptId}`),
        })),
      everyMs: 1_000_000,
      clock: systemClock,
      log: createTestLogger(lines),
    });

    const watching = watch.run(over.signal);
    await until('it has looked', () => watch.use() !== null);
    over.abort();
    await watching;

    expect(stopped).toEqual([`over_quota: ${greedyId}`]);
    const mirrors = (await readdir(path.join(disk.folder, 'mirrors'))).filter((name) =>
      name.startsWith('700'),
    );
    expect(mirrors).toEqual(['7002.git']);
    expect(watch.use()?.bytes).toBeLessThanOrEqual(14 * MIB);
    await modest.remove();
    await greedy.remove();
  });
});

test.skipIf(isMountable)(
  'no small disk can be mounted here, so what happens on a full one is not tested',
  ({ skip }) => {
    skip('it takes the right to mount a tmpfs: run as root');
  },
);
