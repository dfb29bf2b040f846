import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { DestinationStream } from 'pino';
import { createLogger, type Logger, type LogLevel } from '../lib/logger.ts';
import { toError } from '../lib/to-error.ts';

/** Where log lines go beside the file; usually standard output. */
export type LogOutput = DestinationStream;

export type RunnerLog = { log: Logger; close(): Promise<void> };

/**
 * The runner's log: every line to `output`, and to the file where one is named (its folder is made). Says what to do when the file
 * can't be written.
 */
export async function openRunnerLog(options: {
  level: LogLevel;
  file: string | null;
  redact: (text: string) => string;
  output: LogOutput;
}): Promise<{ ok: true; log: RunnerLog } | { ok: false; problem: string }> {
  const { level, file, redact, output } = options;
  if (file === null) {
    const log = createLogger({ level, format: 'json', redact, destination: output });
    return { ok: true, log: { log, close: async () => undefined } };
  }
  let stream: WriteStream;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    stream = createWriteStream(file, { flags: 'a', mode: 0o640 });
    await once(stream, 'open');
  } catch (thrown) {
    return {
      ok: false,
      problem: `logging.file: ${file} can't be written (${toError(thrown).message}): give the user that runs the runner the right to, or name another file`,
    };
  }
  // A full disk must not end the runner; standard output still has every line.
  stream.on('error', () => undefined);
  const log = createLogger({
    level,
    format: 'json',
    redact,
    destination: {
      write: (line) => {
        output.write(line);
        stream.write(line);
      },
    },
  });
  return {
    ok: true,
    log: {
      log,
      close: async () => {
        stream.end();
        if (!stream.closed) await once(stream, 'close');
      },
    },
  };
}
