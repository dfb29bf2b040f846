import { expect, test } from 'vitest';
import { toRefusalText } from '../../src/domain/refusal-text.ts';

const branch = { kind: 'branch', branch: 'agent/42-totals' } as const;

test('work on a branch is left to people', () => {
  expect(toRefusalText({ reasons: ['`AGENTS.md` is protected.'], kept: branch, hasSecret: false })).toBe(
    '`AGENTS.md` is protected. The work is on the branch `agent/42-totals`, without a pull request, and no tests were run on it. Decide: open a pull request from that branch if you agree with it, or delete the branch.',
  );
});

const patch = {
  kind: 'patch',
  file: 'refused/1.patch',
  runnerName: 'be-1',
  base: '0123456789abcdef0123456789abcdef01234567',
  days: 30,
  jobId: '4f0a3f0e-6f6d-4c8e-9a51-0d2f5e7c1a01',
} as const;

test('a patch with a secret is named with its runner, and is nowhere else', () => {
  const kept = { ...patch, place: { kind: 'runner', why: 'it may hold a secret.' } } as const;

  expect(toRefusalText({ reasons: ['A secret would be added.'], kept, hasSecret: true })).toBe(
    'A secret would be added. If it is a real secret, replace it. The work was not pushed: its patch is on the runner `be-1` (`refused/1.patch` in its workspace_root), for 30 days. It is nowhere else: it may hold a secret. Decide: read it, and if you agree apply it with `git apply` on 0123456789ab.',
  );
});

test.each([
  ['check_run', 'its patch is in the check run of this attempt, and on the runner `be-1` (`refused/1.patch`'],
  ['coordinator', 'it is on the coordinator (`yardmaster patch 0d2f5e7c1a01`) and on the runner `be-1` ('],
] as const)('a patch says where people can read it: %s', (kind, words) => {
  const kept = { ...patch, runnerName: 'r'.repeat(100), place: { kind } } as const;
  const reasons = Array.from({ length: 12 }, (_, at) => `${at}${'x'.repeat(300)}.`);

  expect(
    toRefusalText({ reasons: ['No.'], kept: { ...kept, runnerName: 'be-1' }, hasSecret: false }),
  ).toContain(words);
  expect(toRefusalText({ reasons, kept, hasSecret: true }).length).toBeLessThan(2000);
});

test('what was not kept says why', () => {
  const kept = { kind: 'nowhere', why: 'the settings say so.' } as const;

  expect(toRefusalText({ reasons: ['No.'], kept, hasSecret: false })).toBe(
    'No. The work was not kept: the settings say so. Decide: change the issue or the settings, and ask again.',
  );
});

test('many reasons leave room for what is to be decided', () => {
  const reasons = Array.from({ length: 12 }, (_, at) => `${at}${'x'.repeat(300)}.`);

  const text = toRefusalText({ reasons, kept: branch, hasSecret: false });

  expect(text.length).toBeLessThan(2000);
  expect(text).toMatch(/^- 0x+\.\n- 1x+\.\n/);
  expect(text).toContain('\n- And 8 more reasons, in the log.\n\nThe work is on the branch');
  expect(text).toMatch(/or delete the branch\.$/);
});
