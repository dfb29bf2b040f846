import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Journal, type JournalEntry, openJournal } from '../../src/runner/journal.ts';
import { aJobSpec } from '../support/job-spec.ts';
import { createTestLogger } from '../support/test-logger.ts';

let folder: string;
let keptLogs: string;
let lines: Record<string, unknown>[];
let journal: Journal;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'journal-'));
  keptLogs = `${folder}-logs`;
  lines = [];
  journal = await openJournal({ folder, keptLogs, log: createTestLogger(lines) });
});
afterEach(async () => {
  await rm(folder, { recursive: true });
  await rm(keptLogs, { recursive: true, force: true });
});

test('keeps the newest of each attempt, for this user alone', async () => {
  const [one, other] = [anEntry(), anEntry()];

  await Promise.all([
    journal.write(one),
    journal.write(other),
    journal.write({ ...one, phase: 'agent' }),
    journal.write({ ...one, phase: 'verify' }),
  ]);

  const entries = await journal.entries();
  expect(entries).toHaveLength(2);
  expect(entries).toEqual(expect.arrayContaining([{ ...one, phase: 'verify' }, other]));
  const { mode } = await stat(path.join(folder, `${one.attemptId}.json`));
  expect(mode & 0o077).toBe(0);
});

test('a removed attempt leaves nothing behind but its log, for people on this machine', async () => {
  const entry = anEntry();
  await writeFile(path.join(folder, `${entry.attemptId}.log`), 'its log');

  const written = journal.write(entry);
  await journal.remove(entry.attemptId);
  await written;

  expect(await readdir(folder)).toEqual([]);
  expect(await readdir(keptLogs)).toEqual([`${entry.attemptId}.log`]);
});

test('a damaged file is removed, and said', async () => {
  const entry = anEntry();
  await journal.write(entry);
  await writeFile(path.join(folder, 'half.json'), '{"attemptId":');
  await writeFile(path.join(folder, `${entry.attemptId}.json.new`), '{"a draft');

  expect(await journal.entries()).toEqual([entry]);

  expect(lines).toEqual([expect.objectContaining({ msg: 'A journal file is damaged and was removed' })]);
  expect(await readdir(folder)).not.toContain('half.json');
});

function anEntry(): JournalEntry {
  const { attemptId, jobId } = aJobSpec();
  return {
    attemptId,
    jobId,
    epoch: 1,
    leaseToken: 'lease',
    phase: 'prepare',
    agentName: 'house',
    homeFolder: null,
    processes: [],
    report: null,
  };
}
