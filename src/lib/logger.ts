import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Field names whose values never belong in a log, wherever they occur. */
const SECRET_FIELDS = [
  'authorization',
  'token',
  'secret',
  'privateKey',
  'password',
  'leaseToken',
  'sessionToken',
];

/**
 * The only maker of loggers. Every line passes `redact` last, so a secret is masked by value even inside a message,
 * a stack or a nested object; fields with telling names are masked by name as well.
 */
export function createLogger(options: {
  level: LogLevel;
  /** `pretty` for people at a terminal, `json` for machines. */
  format: 'pretty' | 'json';
  redact: (text: string) => string;
  /** Where lines go; stdout when left out. */
  destination?: DestinationStream;
}): Logger {
  const target = options.destination ?? process.stdout;
  const destination =
    options.format === 'pretty'
      ? pretty({
          destination: toWritable(target),
          sync: true,
          translateTime: 'SYS:HH:MM:ss',
          ignore: 'pid,hostname',
        })
      : target;
  return pino(
    {
      level: options.level,
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
      hooks: { streamWrite: options.redact },
    },
    destination,
  );
}

/** pino-pretty wants a Node stream; a file or standard output already is one. */
function toWritable(target: DestinationStream): NodeJS.WritableStream {
  return target as NodeJS.WritableStream;
}
