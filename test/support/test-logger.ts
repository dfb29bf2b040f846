import { type Logger, pino } from 'pino';

/** A logger that prints nothing and collects its lines as objects. */
export function createTestLogger(lines: Record<string, unknown>[] = []): Logger {
  return pino(
    { level: 'debug' },
    { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
}
