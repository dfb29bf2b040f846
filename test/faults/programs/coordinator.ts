import process from 'node:process';
import { readConfig, secretsOf } from '../../../src/config.ts';
import { DEFAULT_TIMINGS, type Timings } from '../../../src/domain/timings.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { startServing } from '../../../src/serve.ts';

/**
 * `yardmaster serve` with timings from `FAULT_TIMINGS` (JSON): all else is the product. Prints where it listens as its first line, then
 * logs. The first SIGTERM stops it in order.
 */
const reading = readConfig(process.env, { isTTY: false });
if (!reading.ok) throw new Error(reading.problems.join('\n'));
const { config } = reading;
const timings: Timings = {
  ...DEFAULT_TIMINGS,
  ...(JSON.parse(process.env['FAULT_TIMINGS'] ?? '{}') as Partial<Timings>),
};
const log = createLogger({ ...config.log, redact: createRedactor(secretsOf(config)).redact });

process.umask(0o077);
// GitHub's quota for an hour of content would end a suite of many jobs; what comes of used-up quotas has tests of its own.
const limits = { ...config.limits, writesPerHour: 1_000_000 };
const serving = await startServing({ ...config, limits }, { log, timings });
process.stdout.write(`${serving.url}\n`);
process.once('SIGTERM', () => void serving.stop());
