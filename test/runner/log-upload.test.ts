import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAX_LOG_CHUNK_BYTES } from '../../src/contract/runner-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogUpload, type LogUpload } from '../../src/runner/log-upload.ts';
import { TransportError } from '../../src/runner/transport/transport-error.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

let folder: string;
let upload: LogUpload;
let over: AbortController;
let stored: Buffer;
let chunks: { offset: number; bytes: number }[];
/** What happens to a chunk: taken; taken but the answer is lost; not taken; refused for good. */
let line: 'up' | 'answers lost' | 'cut' | 'hangs' | 'stale';
let running: Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'log-upload-'));
  over = new AbortController();
  stored = Buffer.alloc(0);
  chunks = [];
  line = 'up';
});
afterEach(async () => {
  over.abort();
  await running;
  await upload.close();
  await rm(folder, { recursive: true });
});

test('sends lines in batches, and masks secrets before anything is written or sent', async () => {
  await start();

  upload.write('first');
  upload.write('the password is hunter2!');
  upload.write('third');
  await until('all is there', () => stored.toString().includes('third'));

  expect(stored.toString()).toBe('first\nthe password is ***\nthird\n');
  expect(await readFile(path.join(folder, 'log'), 'utf8')).not.toContain('hunter2');
});

test('goes on after a cut where the far side stands, and loses and doubles nothing', async () => {
  await start();
  upload.write('before');
  await until('the first is there', () => stored.length > 0);

  line = 'answers lost';
  upload.write('while answers get lost');
  await until('it was sent', () => stored.toString().includes('get lost'));
  line = 'cut';
  upload.write('during the cut');
  await systemClock.sleep(30);
  line = 'up';
  upload.write('after');
  await until('all is there', () => stored.toString().includes('after'));

  expect(stored.toString()).toBe('before\nwhile answers get lost\nduring the cut\nafter\n');
});

test('cuts large batches into chunks that end at a character', async () => {
  await start();
  const text = 'ä€😀'.repeat(100_000);

  upload.write(text);
  await until('all is there', () => stored.length === Buffer.byteLength(text) + 1);

  expect(stored.toString()).toBe(`${text}\n`);
  expect(chunks.length).toBeGreaterThan(3);
  expect(Math.max(...chunks.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MAX_LOG_CHUNK_BYTES);
});

test('stops at the cap, with a note', async () => {
  await start({ maxBytes: 1000 });

  for (let index = 0; index < 100; index += 1) upload.write(`line ${index} ${'x'.repeat(50)}`);
  await until('the note is there', () => stored.toString().includes('cut here'));
  upload.write('one more');
  await upload.flush(new AbortController().signal);

  expect(stored.length).toBeLessThanOrEqual(1000);
  expect(stored.toString()).not.toContain('one more');
});

test('gives up quietly when the attempt is somebody else’s', async () => {
  line = 'stale';
  await start();

  upload.write('nobody wants it');
  await running;

  expect(stored.length).toBe(0);
});

test('a last flush sends the rest at once, and gives up in time', async () => {
  await start({ batchMs: { least: 60_000, most: 60_000 } });
  await systemClock.sleep(10);
  upload.write('the end');

  await upload.flush(AbortSignal.timeout(5000));
  expect(stored.toString()).toBe('the end\n');

  line = 'cut';
  upload.write('too late');
  await upload.flush(AbortSignal.timeout(50));
  expect(stored.toString()).toBe('the end\n');
});

test('its end can be read, also of what was written just now and is not sent', async () => {
  await start();
  expect(await upload.readEnd(100)).toBe('');
  line = 'cut';
  upload.write('a first line');
  await systemClock.sleep(30);
  upload.write('the last hunter2!');

  expect(await upload.readEnd(13)).toBe('the last ***\n');
  expect(await upload.readEnd(100)).toBe('a first line\nthe last ***\n');
});

test('lines are on the disk while a request hangs', async () => {
  line = 'hangs';
  await start();
  upload.write('first');
  await until('it is sent', () => chunks.length > 0);

  upload.write('second');

  await until('it is written', async () =>
    (await readFile(path.join(folder, 'log'), 'utf8')).includes('second'),
  );
  line = 'up';
});

test('goes on with the file of an earlier run where the far side stands', async () => {
  await writeFile(path.join(folder, 'log'), 'known\nlost in the crash\n');
  stored = Buffer.from('known\n');
  await start({ resume: true });

  expect(await upload.flush(AbortSignal.timeout(5000))).toBe(true);

  expect(stored.toString()).toBe('known\nlost in the crash\n');
  expect(chunks).toEqual([{ offset: 6, bytes: 18 }]);
});

async function start(
  options: { resume?: boolean; maxBytes?: number; batchMs?: { least: number; most: number } } = {},
): Promise<void> {
  upload = await createLogUpload({
    channel: {
      appendLog: async ({ offset, text }) => {
        if (line === 'stale') throw new TransportError('stale_attempt', 'not yours');
        if (line === 'cut') throw new TransportError('unavailable', 'no answer in time');
        // Beyond what is there: a gap, or the question how far it has come.
        if (offset > stored.length) return stored.length;
        chunks.push({ offset, bytes: Buffer.byteLength(text) });
        await until('the line is up', () => line !== 'hangs');
        stored = Buffer.concat([stored.subarray(0, offset), Buffer.from(text)]);
        if (line === 'answers lost') throw new TransportError('unavailable', 'no answer in time');
        return stored.length;
      },
    },
    file: path.join(folder, 'log'),
    redact: (text) => text.replace('hunter2!', '***'),
    clock: systemClock,
    log: createTestLogger(),
    batchMs: { least: 5, most: 10 },
    ...options,
  });
  running = upload.run(over.signal);
}
