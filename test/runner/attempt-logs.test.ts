import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { attemptLogFolders, keepLog, listAttemptLogs, readLog } from '../../src/runner/attempt-logs.ts';

let root: string;
const id = (number: number): string => `0199a1b2-0000-7000-8000-${String(number).padStart(12, '0')}`;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'logs-'));
  await mkdir(attemptLogFolders(root).underWay, { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

function fileOf(number: number): string {
  return path.join(attemptLogFolders(root).underWay, `${id(number)}.log`);
}

test('those under way come first, then the newest that ended; other files are none', async () => {
  for (const number of [1, 2, 3]) await writeFile(fileOf(number), `log ${number}`);
  await writeFile(path.join(attemptLogFolders(root).underWay, `${id(3)}.json`), '{}');
  await utimes(fileOf(1), 100, 100);
  for (const number of [1, 2]) await keepLog(fileOf(number), attemptLogFolders(root).ended);

  const logs = await listAttemptLogs(root);

  expect(logs.map(({ attemptId, isUnderWay }) => [attemptId, isUnderWay])).toEqual([
    [id(3), true],
    [id(2), false],
    [id(1), false],
  ]);
  expect(await listAttemptLogs(path.join(root, 'nothing here'))).toEqual([]);
});

test('the newest twenty are kept, and none that are empty', async () => {
  const { ended } = attemptLogFolders(root);
  await writeFile(fileOf(99), '');
  await keepLog(fileOf(99), ended);
  await keepLog(fileOf(98), ended);
  for (let number = 1; number <= 22; number += 1) {
    await writeFile(fileOf(number), `log ${number}`);
    await utimes(fileOf(number), number, number);
    await keepLog(fileOf(number), ended);
  }

  const kept = await readdir(ended);

  expect(kept).toHaveLength(20);
  expect(kept).not.toContain(`${id(2)}.log`);
  expect(await readFile(path.join(ended, `${id(3)}.log`), 'utf8')).toBe('log 3');
});

test('following ends with the attempt, and misses nothing of what was written last', async () => {
  await writeFile(fileOf(1), 'début\n');
  const [log] = await listAttemptLogs(root);
  if (log === undefined) throw new Error('There is no log');
  const read: string[] = [];

  const over = (async () => {
    const signal = new AbortController().signal;
    for await (const text of readLog(log, { follow: true, clock: systemClock, signal })) read.push(text);
  })();
  // Half a character, and the rest of it.
  await appendFile(fileOf(1), Buffer.from([0xc3]));
  await appendFile(fileOf(1), Buffer.from([0xa9, 0x0a]));
  await appendFile(fileOf(1), 'fin\n');
  await keepLog(fileOf(1), attemptLogFolders(root).ended);
  await over;

  expect(read.join('')).toBe('début\né\nfin\n');
});
