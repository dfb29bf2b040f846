import { describe, expect, test } from 'vitest';
import { createDiskRoom } from '../../src/runner/disk-room.ts';

const MIB = 1024 ** 2;
const FLOORS = { begin: 1024 * MIB, goOn: 256 * MIB };

/** A disk on which mirrors that nobody uses take `evictable` bytes. */
function aDisk(freeBytes: number, evictable = 0) {
  let free = freeBytes;
  const room = createDiskRoom(
    {
      freeDiskBytes: () => Promise.resolve(free),
      makeRoom: (bytes) => {
        if (free <= bytes) free += evictable;
        return Promise.resolve(free);
      },
    },
    FLOORS,
  );
  return { room, free: () => free };
}

function failure(code: string, cause?: unknown): Error {
  return Object.assign(new Error('it failed', { cause }), { code });
}

describe('work under way', () => {
  test.each<[string, number, number, boolean]>([
    ['plenty', 2048, 0, true],
    ['less than new work needs', 300, 0, true],
    ['just the floor', 256, 0, false],
    ['nothing', 0, 0, false],
    ['nothing, but mirrors that nobody uses', 0, 500, true],
    ['nothing, and mirrors that are not enough', 0, 100, false],
  ])('with %s free', async (_, freeMib, evictableMib, goesOn) => {
    const { room } = aDisk(freeMib * MIB, evictableMib * MIB);

    expect((await room.toGoOn()) === null).toBe(goesOn);
  });

  test('is told what is free, what is needed, and what to do', async () => {
    const stop = await aDisk(12.9 * MIB).room.toGoOn();

    expect(stop).toEqual({
      kind: 'disk_full',
      reason:
        'The disk of the runner is full: 12 MiB are free, and work under way needs more than 256 MiB, of inodes as well. ' +
        'Make room there (new work begins with 1,024 MiB), or move workspace_root in runner.yml to a larger disk.',
    });
  });
});

test('new work is given the room of mirrors that nobody uses', async () => {
  expect(await aDisk(300 * MIB, 2000 * MIB).room.forNewWork()).toBe(2300 * MIB);
});

describe('what has failed', () => {
  test.each<[string, unknown, number, string | null]>([
    ['on a full disk, in words of its own', new Error('exit 1'), 10, '10 MiB are free'],
    ['on a full disk, without a word', null, 10, '10 MiB are free'],
    ['for want of space somewhere', failure('ENOSPC'), 900, 'could not write (ENOSPC)'],
    ['for want of a quota, deep down', new Error('outer', { cause: failure('EDQUOT') }), 900, '(EDQUOT)'],
    ['under another failure with a code', failure('EIO', failure('ENOSPC')), 900, '(ENOSPC)'],
    ['for another reason', failure('EACCES'), 900, null],
    ['without a word', null, 900, null],
  ])('%s', async (_, error, freeMib, reason) => {
    const { room, free } = aDisk(freeMib * MIB, 5000 * MIB);

    const stop = await room.blame(error);

    expect(stop === null, 'whether the disk is to blame').toBe(reason === null);
    expect(stop?.reason ?? '').toContain(reason ?? '');
    expect(free(), 'mirrors were kept, so that what is seen is what it failed on').toBe(freeMib * MIB);
  });
});
