import { type FileHandle, open } from 'node:fs/promises';
import { MAX_LOG_BYTES, MAX_LOG_CHUNK_BYTES } from '../contract/runner-api.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { AttemptChannel } from './transport/transport.ts';
import { transportErrorKind } from './transport/transport-error.ts';

const DEFAULT_BATCH_MS = { least: 1000, most: 3000 };
const CUT_NOTE = '\n[The log is cut here: 16 MiB is the most that is kept.]\n';

export type LogUploadOptions = {
  channel: Pick<AttemptChannel, 'appendLog'>;
  /** Where the log is kept until the far side has it; truncated at the start. */
  file: string;
  /** Masks secrets, before anything is written or sent. */
  redact: (text: string) => string;
  clock: Clock;
  log: Logger;
  /** Time between batches: `least` when all goes well, up to `most` after trouble. */
  batchMs?: { least: number; most: number };
  /** Bytes; what comes after is dropped with a note. */
  maxBytes?: number;
};

/** The live log of an attempt. Writing never waits and never fails; sending goes on by itself. */
export type LogUpload = {
  /** Adds a line. */
  write(line: string): void;
  /** Sends batches until the signal aborts. Resolves early when the far side wants no more. */
  run(signal: AbortSignal): Promise<void>;
  /** Sends what is left, until the signal aborts; what then is unsent is given up. */
  flush(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

/**
 * Lines go to a file, and from there in chunks to the far side, which answers how many bytes it has: the next chunk starts right there.
 * So a lost answer, a repeat or a long cut mends itself, and memory holds one batch at the most.
 */
export async function createLogUpload(options: LogUploadOptions): Promise<LogUpload> {
  const { channel, clock, log } = options;
  const maxBytes = options.maxBytes ?? MAX_LOG_BYTES;
  const batchMs = options.batchMs ?? DEFAULT_BATCH_MS;
  const file = await open(options.file, 'w+', 0o600);
  let pending: string[] = [];
  let acceptedBytes = 0;
  let writtenBytes = 0;
  let committedBytes = 0;
  let over = false;
  /** One at a time: batches and the last flush must not mix. */
  let turn: Promise<unknown> = Promise.resolve();

  return {
    write: (line) => {
      if (acceptedBytes >= maxBytes) return;
      const text = `${options.redact(line)}\n`;
      const kept = acceptedBytes + Buffer.byteLength(text) + CUT_NOTE.length > maxBytes ? CUT_NOTE : text;
      // After the note nothing more is accepted.
      acceptedBytes = kept === CUT_NOTE ? maxBytes : acceptedBytes + Buffer.byteLength(kept);
      pending.push(kept);
    },
    run: async (signal) => {
      while (!signal.aborted && !over) {
        const sent = await takeTurn(() => sendAll(signal));
        await clock.sleep(sent ? batchMs.least : batchMs.most, signal).catch(() => undefined);
      }
    },
    flush: async (signal) => {
      while (!signal.aborted && !over && !(await takeTurn(() => sendAll(signal)))) {
        await clock.sleep(batchMs.least, signal).catch(() => undefined);
      }
    },
    close: async () => {
      await turn.catch(() => undefined);
      await file.close();
    },
  };

  /** True when the far side has everything. Never throws: the log is worth no attempt. */
  async function sendAll(signal: AbortSignal): Promise<boolean> {
    try {
      await writePending();
      while (committedBytes < writtenBytes && !signal.aborted && !over) {
        const chunk = await readChunk(file, committedBytes);
        const stored = await channel.appendLog({ offset: committedBytes, text: chunk }, signal);
        if (stored > writtenBytes) throw new RangeError('The far side has more of the log than was written');
        const progress = stored > committedBytes;
        committedBytes = stored;
        if (!progress) return false;
      }
      return !signal.aborted;
    } catch (error) {
      if (signal.aborted) return false;
      over = transportErrorKind(error) !== 'unavailable';
      log.warn(
        { err: error },
        over ? 'The live log is not taken any more' : 'A part of the live log was not taken; it is kept',
      );
      return false;
    }
  }

  async function writePending(): Promise<void> {
    const bytes = Buffer.from(pending.join(''));
    pending = [];
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, writtenBytes);
      done += bytesWritten;
      writtenBytes += bytesWritten;
    }
  }

  function takeTurn<T>(step: () => Promise<T>): Promise<T> {
    const next = turn.catch(() => undefined).then(step);
    turn = next;
    return next;
  }
}

/** Up to a chunk of text from `offset`, never ending inside a character. */
async function readChunk(file: FileHandle, offset: number): Promise<string> {
  const buffer = Buffer.alloc(MAX_LOG_CHUNK_BYTES);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
  let end = bytesRead;
  // A continuation byte (10xxxxxx) after the end means that the character's first bytes are in this chunk: leave them out too.
  if (bytesRead === buffer.length) {
    end -= 1;
    while (end > 0 && ((buffer[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  }
  return buffer.toString('utf8', 0, end);
}
