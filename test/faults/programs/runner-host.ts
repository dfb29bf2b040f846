import { EventEmitter } from 'node:events';
import { homedir, hostname } from 'node:os';
import process from 'node:process';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { explainConfigProblems, readRunnerConfig } from '../../../src/runner/config.ts';
import { runRunner } from '../../../src/runner/main.ts';
import type { RunnerTuning } from '../../../src/runner/run-daemon.ts';

/**
 * Many runners in one process, each with its own configuration (the arguments), workspace root, lock, journal and session: everything of
 * a runner but a process of its own. Prints a line when all of them work; logs warnings and worse. SIGTERM cancels what they are at.
 */
const files = process.argv.slice(2);
const signals = new EventEmitter();
signals.setMaxListeners(0);
let ready = 0;

process.umask(0o077);
process.once('SIGTERM', () => {
  signals.emit('SIGTERM');
  signals.emit('SIGTERM');
});

async function run(file: string): Promise<void> {
  const reading = await readRunnerConfig({
    file,
    variables: process.env,
    machine: { hostname: hostname(), homeFolder: homedir() },
  });
  if (!reading.ok) throw new Error(explainConfigProblems(file, reading.problems));
  const exit = await runRunner(reading.config, {
    version: '0.0.0-soak',
    configFile: file,
    machineEnv: process.env,
    output: { write: (line) => void (/"level":[456]0/.test(line) && process.stdout.write(line)) },
    signals,
    fetch,
    clock: systemClock,
    random: systemRandom,
    onReady: () => {
      ready += 1;
      if (ready === files.length) process.stdout.write('all runners work\n');
    },
    tuning: JSON.parse(process.env['FAULT_TUNING'] ?? '{}') as Partial<RunnerTuning>,
  });
  if (exit !== 0) process.stdout.write(`the runner of ${file} left with ${exit}\n`);
}

await Promise.all(files.map(run));
