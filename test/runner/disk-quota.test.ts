import { describe, expect, test } from 'vitest';
import { chooseOverQuota, describeUse, judgeAttemptUse } from '../../src/runner/disk-quota.ts';
import type { InventoryItem } from '../../src/runner/workspace/inventory.ts';

const GIB = 1024 ** 3;

function item(
  name: string,
  gibibytes: number,
  usedMs: number,
  more: Partial<InventoryItem> = {},
): InventoryItem {
  const path = `/srv/yardmaster/${name}`;
  return { kind: 'mirror', name, path, bytes: gibibytes * GIB, usedMs, isInUse: false, ...more };
}

describe('what goes when all takes more than it may', () => {
  const items = [
    item('old', 1, 10),
    item('new', 1, 50),
    item('busy', 5, 1, { isInUse: true }),
    item('aside', 1, 20, { kind: 'aside' }),
    item('kept', 1, 30, { kind: 'kept' }),
    item('patch', 1, 5, { kind: 'patch' }),
    item('left over', 1, 2, { kind: 'workspace' }),
  ];

  test.each([
    [null, []],
    [11, []],
    [10, ['old']],
    [9.5, ['old', 'aside']],
    [1, ['old', 'aside', 'kept', 'new']],
  ])('%s GiB', (gibibytes, gone) => {
    const total = gibibytes === null ? null : gibibytes * GIB;

    expect(chooseOverQuota(items, { total }).map(({ name }) => name)).toEqual(gone);
  });
});

test('an attempt ends by what it takes itself, with the figures and the key', () => {
  expect(judgeAttemptUse(2 * GIB, { attempt: 2 * GIB })).toBeNull();
  expect(judgeAttemptUse(200 * GIB, { attempt: null })).toBeNull();
  expect(judgeAttemptUse(2.5 * GIB, { attempt: 2 * GIB })).toEqual({
    kind: 'over_quota',
    reason:
      'The attempt took 2.5 GiB of the runner’s disk, more than the 2.0 GiB that one may take (disk.attempt_max_gb in runner.yml).',
  });
});

test('use is told with what it may be', () => {
  expect(describeUse(GIB / 4, { total: null, attempt: null })).toBe('0.25 GiB taken');
  expect(describeUse(3 * GIB, { total: 200 * GIB, attempt: 50 * GIB })).toBe(
    '3.0 GiB of 200.0 GiB taken, 50.0 GiB for each attempt',
  );
});
