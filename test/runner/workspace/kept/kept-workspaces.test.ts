import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { AttemptId } from '../../../../src/contract/identifiers.ts';
import { BUDGETS } from '../../../../src/domain/timings.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import type { KeptRecord } from '../../../../src/runner/workspace/kept/kept-record.ts';
import {
  createKeptWorkspaces,
  type KeptWorkspaces,
} from '../../../../src/runner/workspace/kept/kept-workspaces.ts';
import { createTestLogger } from '../../../support/test-logger.ts';

const HOUR_MS = 60 * 60_000;
const COMMIT = 'c'.repeat(40);

let root: string;
let nowMs: number;
let kept: KeptWorkspaces;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kept-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  nowMs = 1000 * HOUR_MS;
  kept = open();
});

test('what is kept goes to one of those that ask for it at once, and to nobody else', async () => {
  const record = await put(1);
  const { repositoryId, branch } = record;

  expect(await kept.take({ repositoryId, branch: 'agent/2' })).toMatchObject({ kind: 'none' });
  expect(await kept.take({ repositoryId: 8, branch })).toMatchObject({ kind: 'none' });
  const taken = await Promise.all(Array.from({ length: 5 }, () => open().take({ repositoryId, branch })));

  expect(taken.filter(({ kind }) => kind === 'taken')).toEqual([{ kind: 'taken', record }]);
  expect(await kept.list()).toEqual([]);
  expect(existsSync(folderOf(record))).toBe(true);
});

test('a newer one takes the place of what is kept for the same branch', async () => {
  const old = await put(1);
  const record = await put(2, { branch: old.branch });

  expect(await kept.list()).toEqual([record]);
  expect(existsSync(folderOf(old))).toBe(false);
});

test('the newest few stay, for a while, as long as there is room', async () => {
  const records: KeptRecord[] = [];
  for (let number = 1; number <= BUDGETS.keptWorkspaces + 2; number += 1) {
    records.push(await put(number));
    nowMs += 1000;
  }
  expect(await kept.list()).toEqual(records.slice(2));

  let looks = 0;
  await kept.makeRoom(async () => (looks += 1) > 2);
  expect(await kept.list()).toEqual(records.slice(4));

  nowMs += HOUR_MS - 3000;
  await kept.removeOld();
  expect(await kept.list()).toEqual(records.slice(-2));
  // The clock was put back by far: nobody knows how long it has been.
  nowMs -= 3 * HOUR_MS;
  await kept.removeOld();
  expect(await kept.list()).toEqual([]);
  expect(await readdir(join(root, 'attempts'))).toEqual([]);
});

test('a restart finds what is whole, and removes the rest', async () => {
  const whole = await put(1);
  const gone = await put(2);
  await rm(folderOf(gone), { recursive: true });
  await writeFile(join(root, 'kept', 'half.json.new'), '{');
  await writeFile(join(root, 'kept', 'damaged.json'), '{');

  expect(await open().sweep()).toEqual([whole.attemptId]);
  expect(await readdir(join(root, 'kept'))).toEqual([`${whole.attemptId}.json`]);
});

test('where nothing is to be kept, nothing is found', async () => {
  const { repositoryId, branch } = await put(1);

  expect(await open(0).take({ repositoryId, branch })).toEqual({
    kind: 'none',
    why: expect.stringContaining('keep_workspaces_hours: 0'),
  });
});

function open(keepMs = HOUR_MS): KeptWorkspaces {
  return createKeptWorkspaces({
    folder: join(root, 'kept'),
    attemptsFolder: join(root, 'attempts'),
    keepMs,
    clock: { ...systemClock, nowMs: () => nowMs },
    log: createTestLogger(),
  });
}

async function put(number: number, overrides: Partial<KeptRecord> = {}): Promise<KeptRecord> {
  const record: KeptRecord = {
    attemptId: AttemptId.parse(`0199a1b2-0000-7000-8000-${String(number).padStart(12, '0')}`),
    repositoryId: 7,
    branch: `agent/${number}`,
    head: COMMIT,
    keptAtMs: nowMs,
    setUp: { commands: [['npm', 'ci']], commit: COMMIT },
    session: { whyNot: 'there is none' },
    ...overrides,
  };
  await mkdir(join(folderOf(record), 'work'), { recursive: true });
  await kept.put(record);
  return record;
}

function folderOf({ attemptId }: KeptRecord): string {
  return join(root, 'attempts', attemptId);
}
