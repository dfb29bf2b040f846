import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createEmbeddedStore } from '../../src/store/embedded.ts';
import { FolderInUseError } from '../../src/store/folder-lock.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { aDelivery } from '../support/store-builders.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { describeStore } from './store-contract.ts';
import { describeStoreUse } from './store-use-contract.ts';

const WRITER = path.join(import.meta.dirname, 'programs', 'write-deliveries.ts');

describeStore('embedded', async () => {
  const clock = createFakeClock();
  const folder = await temporaryFolder();
  const store = await createEmbeddedStore({ folder, clock, log: createTestLogger() });
  return {
    store,
    clock,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

test('what a store knew, it knows after it was closed and opened again', async () => {
  const folder = await temporaryFolder();
  const delivery = aDelivery();
  const first = await open(folder);
  await first.putDelivery(delivery);
  await first.close();

  await using second = await open(folder);

  expect(await second.claimDelivery()).toMatchObject(delivery);
});

test('work that was under way at the end is taken up again at once', async () => {
  const folder = await temporaryFolder();
  const first = await open(folder);
  await first.putDelivery(aDelivery());
  await first.claimDelivery();
  await first.close();

  await using second = await open(folder);

  expect(await second.claimDelivery()).toMatchObject({ attempt: 2 });
});

test('a burst of deliveries costs a few flushes of the disk, not one for each', async () => {
  const folder = await temporaryFolder();
  await using store = await open(folder);
  await store.putDelivery(aDelivery());
  const before = await countCommits(folder);

  await Promise.all(Array.from({ length: 40 }, () => store.putDelivery(aDelivery())));

  expect((await countCommits(folder)) - before).toBeLessThanOrEqual(3);
  for (let count = 0; count < 5; count += 1) await store.putDelivery(aDelivery());
  expect((await countCommits(folder)) - before).toBeGreaterThanOrEqual(5);
});

/** Frames of SQLite's write-ahead log that end a transaction: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
async function countCommits(folder: string): Promise<number> {
  const name = (await readdir(folder)).find((file) => file.endsWith('-wal'));
  if (name === undefined) throw new Error('there is no write-ahead log');
  const log = await readFile(path.join(folder, name));
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes)
    commits += log.readUInt32BE(at + 4) === 0 ? 0 : 1;
  return commits;
}

describeStoreUse('embedded', async () => {
  const folder = await temporaryFolder();
  return {
    open: (use) => createEmbeddedStore({ folder, use, clock: systemClock, log: createTestLogger() }),
    // The folder goes with the test.
    [Symbol.asyncDispose]: async () => undefined,
  };
});

test('a holder that can’t be told keeps others out all the same', async () => {
  const folder = await temporaryFolder();
  await using _store = await open(folder);
  await writeFile(path.join(folder, 'coordinator.holder'), '{"use":"recover","name":7');

  const recovery = createEmbeddedStore({
    folder,
    use: 'recover',
    clock: systemClock,
    log: createTestLogger(),
  });

  await expect(recovery).rejects.toThrow(/is in use by a coordinator\. Stop it, then repeat this/);
});

test('the folder is made for its owner alone', async () => {
  const folder = path.join(await temporaryFolder(), 'deep', 'data');
  await using _store = await open(folder);

  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('a second coordinator on the same folder is told so, and what to do', async () => {
  const folder = await temporaryFolder();
  await using _store = await open(folder);

  const second = open(folder);

  await expect(second).rejects.toThrow(FolderInUseError);
  await expect(second).rejects.toThrow(/in use by another coordinator.*Stop that one first/);
});

test.runIf(process.platform === 'linux')('where the folder can not be made, it says what to do', async () => {
  await expect(open('/proc/yardmaster')).rejects.toThrow(
    /data folder \/proc\/yardmaster can’t be made.*DATA_FOLDER/,
  );
});

test('a process that is killed loses nothing that it acknowledged, and leaves the folder free', async () => {
  const folder = await temporaryFolder();

  for (let round = 0; round < 3; round += 1) {
    const acknowledged = await killAfterAcknowledging(folder, 200);
    await using store = await open(folder);
    const answers = await Promise.all(acknowledged.map((guid) => store.putDelivery(aDelivery({ guid }))));

    expect(acknowledged.length).toBeGreaterThanOrEqual(200);
    expect(answers.filter((answer) => answer !== 'known')).toEqual([]);
  }
}, 60_000);

test('while another process has the folder, nobody else gets in; once it is killed, anybody does', async () => {
  const folder = await temporaryFolder();
  const writer = startWriter(folder);
  await writer.acknowledged(1);

  await expect(open(folder)).rejects.toThrow(FolderInUseError);
  await writer.kill();
  await using store = await open(folder);

  expect(await store.claimDelivery()).not.toBeNull();
});

function open(folder: string) {
  return createEmbeddedStore({ folder, clock: systemClock, log: createTestLogger() });
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'yardmaster-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Everything that a writing process said was stored before it was killed in the middle of writing. */
async function killAfterAcknowledging(folder: string, count: number): Promise<string[]> {
  const writer = startWriter(folder);
  await writer.acknowledged(count);
  return writer.kill();
}

function startWriter(folder: string) {
  const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const guids: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const ended = once(lines, 'close');
  lines.on('line', (line) => {
    guids.push(line);
    lines.emit('grown');
  });

  return {
    async acknowledged(count: number): Promise<void> {
      while (guids.length < count) await Promise.race([once(lines, 'grown'), exited.then(fail)]);
    },
    async kill(): Promise<string[]> {
      child.kill('SIGKILL');
      await Promise.all([exited, ended]);
      return guids;
    },
  };
}

function fail(): never {
  throw new Error('The writing process ended by itself');
}
