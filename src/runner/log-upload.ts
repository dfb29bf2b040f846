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
  /** Where the log is kept until the far side has it. */
  file: string;
  /** Goes on with the file that an earlier run left, where the far side stands; otherwise the file is truncated. */
  resume?: boolean;
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
  /** Writes to the file and sends batches until the signal aborts. Stops sending early when the far side wants no more. */
  run(signal: AbortSignal): Promise<void>;
  /** Sends what is left, until the signal aborts; what then is unsent stays in the file. True when the far side has everything. */
  flush(signal: AbortSignal): Promise<boolean>;
  /** The last bytes of what was written, as text: its first character may be broken. Never throws: what can't be read is ''. */
  readEnd(maxBytes: number): Promise<string>;
  close(): Promise<void>;
};

/**
 * Lines go to a file, and from there in chunks to the far side, which answers how many bytes it has: the next chunk starts right there.
 * So a lost answer, a repeat or a long cut mends itself; memory holds one batch, also while a request hangs, unless the disk is full.
 */
export async function createLogUpload(options: LogUploadOptions): Promise<LogUpload> {
  const { channel, clock, log, resume = false } = options;
  const maxBytes = options.maxBytes ?? MAX_LOG_BYTES;
  const batchMs = options.batchMs ?? DEFAULT_BATCH_MS;
  const file = await open(options.file, resume ? 'r+' : 'w+', 0o600);
  let pending: Buffer[] = [];
  let writtenBytes = resume ? (await file.stat()).size : 0;
  let acceptedBytes = writtenBytes;
  /** What the far side has; `null` while that has to be asked. */
  let committedBytes: number | null = resume ? null : 0;
  let over = false;
  let isDiskTrouble = false;
  /** One at a time each: writes must not mix, nor batches with the last flush; but writing never waits for the network. */
  const inWriteTurn = createTurn();
  const inSendTurn = createTurn();

  return {
    write: (line) => {
      if (acceptedBytes >= maxBytes) return;
      const text = `${options.redact(line)}\n`;
      const kept = acceptedBytes + Buffer.byteLength(text) + CUT_NOTE.length > maxBytes ? CUT_NOTE : text;
      // After the note nothing more is accepted.
      acceptedBytes = kept === CUT_NOTE ? maxBytes : acceptedBytes + Buffer.byteLength(kept);
      pending.push(Buffer.from(kept));
    },
    run: async (signal) => {
      await Promise.all([keepWriting(signal), keepSending(signal)]);
    },
    flush: async (signal) => {
      while (!signal.aborted && !over) {
        if (await inSendTurn(() => sendAll(signal))) return true;
        await pause(batchMs.least, signal);
      }
      return over;
    },
    readEnd: (maxBytes) =>
      inWriteTurn(async () => {
        await writePending();
        if (writtenBytes === 0) return '';
        const buffer = Buffer.alloc(Math.min(maxBytes, writtenBytes));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, writtenBytes - buffer.length);
        return buffer.toString('utf8', 0, bytesRead);
      }).catch((error: unknown) => {
        log.warn({ err: error }, 'The end of the log can not be read');
        return '';
      }),
    close: async () => {
      await inSendTurn(async () => undefined);
      await inWriteTurn(writePending);
      await file.close();
    },
  };

  async function keepWriting(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !over) {
      await inWriteTurn(writePending);
      await pause(batchMs.least, signal);
    }
  }

  async function keepSending(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !over) {
      const sent = await inSendTurn(() => sendAll(signal));
      await pause(sent ? batchMs.least : batchMs.most, signal);
    }
  }

  /** True when the far side has everything. Never throws: the log is worth no attempt. */
  async function sendAll(signal: AbortSignal): Promise<boolean> {
    try {
      const isWritten = await inWriteTurn(writePending);
      // A chunk beyond what it has is not stored, and answered with how far it has come.
      committedBytes ??= await channel.appendLog({ offset: writtenBytes, text: '' }, signal);
      while (committedBytes < writtenBytes && !signal.aborted && !over) {
        const chunk = await readChunk(file, committedBytes);
        const stored = await channel.appendLog({ offset: committedBytes, text: chunk }, signal);
        if (stored > writtenBytes) throw new RangeError('The far side has more of the log than was written');
        const progress = stored > committedBytes;
        committedBytes = stored;
        if (!progress) return false;
      }
      return isWritten && !signal.aborted;
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

  /** False when the disk did not take all of it; the rest waits. */
  async function writePending(): Promise<boolean> {
    let rest = Buffer.concat(pending);
    pending = [];
    try {
      while (rest.length > 0) {
        const { bytesWritten } = await file.write(rest, 0, rest.length, writtenBytes);
        rest = rest.subarray(bytesWritten);
        writtenBytes += bytesWritten;
      }
      isDiskTrouble = false;
      return true;
    } catch (error) {
      pending.unshift(rest);
      if (!isDiskTrouble) log.warn({ err: error }, 'The live log can not be written to the disk; it waits');
      isDiskTrouble = true;
      return false;
    }
  }

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    // Woken by the abort, which the loops look at.
    await clock.sleep(ms, signal).catch(() => undefined);
  }
}

/** Runs steps one after the other. */
function createTurn(): <T>(step: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const next = last.catch(() => undefined).then(step);
    last = next;
    return next;
  };
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
