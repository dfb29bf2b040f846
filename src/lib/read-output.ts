import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { Clock } from './clock.ts';
import { createLineSplitter } from './line-splitter.ts';
import { createOutputTail } from './output-tail.ts';
import { toError } from './to-error.ts';

/** How long a pipe may stay open and silent after every known process has ended, before it is closed from here. */
const CLOSE_SILENT_PIPE_MS = 1000;

export type CommandOutput = {
  /** Rejects with what `onLine` threw; otherwise never settles. */
  failed: Promise<never>;
  /** Reads what is still in the pipes, once the processes are gone. Rejects with what `onLine` threw. */
  finish(): Promise<void>;
  tail(redact?: (text: string) => string): string;
  /** The first `maxOutputBytes` of stdout; '' unless it was to be kept. */
  stdout(): string;
};

type Sources = { stdout: Readable; stderr: Readable };

type Options = {
  maxOutputBytes: number;
  keepStdout?: boolean;
  onLine?(line: string, stream: 'stdout' | 'stderr'): void | Promise<void>;
};

/**
 * Reads stdout and stderr side by side (a full pipe of one must not stop the other), at the pace of `onLine`. Keeps
 * no more than twice `maxOutputBytes` and one line of each, whatever comes.
 */
export function readOutput(sources: Sources, options: Options, clock: Clock): CommandOutput {
  const tail = createOutputTail(options.maxOutputBytes);
  const head: Buffer[] = [];
  let headBytes = 0;
  let chunks = 0;
  let waitingForConsumer = 0;

  function keepHead(chunk: Buffer): void {
    const kept = chunk.subarray(0, options.maxOutputBytes - headBytes);
    if (kept.length > 0) head.push(kept);
    headBytes += kept.length;
  }

  async function deliver(lines: string[], stream: 'stdout' | 'stderr'): Promise<void> {
    for (const line of lines) {
      const pending = options.onLine?.(line, stream);
      if (pending === undefined) continue;
      waitingForConsumer += 1;
      await pending.finally(() => (waitingForConsumer -= 1));
    }
  }

  async function read(source: Readable, stream: 'stdout' | 'stderr'): Promise<void> {
    const splitter = createLineSplitter();
    for await (const chunk of source as AsyncIterable<Buffer>) {
      chunks += 1;
      tail.push(chunk);
      if (stream === 'stdout' && options.keepStdout) keepHead(chunk);
      if (options.onLine) await deliver(splitter.push(chunk), stream);
    }
    await deliver(splitter.end(), stream);
  }

  /** A process that escaped may hold a pipe open for ever: silence ends the reading, a slow consumer does not. */
  async function closeWhenSilent(done: AbortSignal): Promise<void> {
    for (let before = -1; before !== chunks || waitingForConsumer > 0;) {
      before = chunks;
      await clock.sleep(CLOSE_SILENT_PIPE_MS, done);
    }
    sources.stdout.destroy();
    sources.stderr.destroy();
  }

  const reading = Promise.all([
    ignoreEarlyClose(read(sources.stdout, 'stdout')),
    ignoreEarlyClose(read(sources.stderr, 'stderr')),
  ]);
  const failed = new Promise<never>((_resolve, reject) => {
    reading.catch((error: unknown) => reject(toError(error)));
  });
  // Looked at in `finish`; between the two it must not count as unhandled.
  failed.catch(() => undefined);

  return {
    failed,
    finish: async () => {
      const done = new AbortController();
      // Rejects when reading is over first, which is the ordinary case.
      const closing = closeWhenSilent(done.signal).catch(() => undefined);
      try {
        await reading;
      } finally {
        done.abort();
        await closing;
        sources.stdout.destroy();
        sources.stderr.destroy();
      }
    },
    tail: (redact) => tail.text(redact),
    stdout: () => Buffer.concat(head).toString('utf8'),
  };
}

async function ignoreEarlyClose(reading: Promise<void>): Promise<void> {
  try {
    await reading;
  } catch (thrown) {
    const error = toError(thrown) as NodeJS.ErrnoException;
    // Closed from our side (see `closeWhenSilent`), or the last writer was killed in the middle.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE' && error.code !== 'ECONNRESET') throw error;
  }
}
