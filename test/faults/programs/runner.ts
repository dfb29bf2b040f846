import { homedir, hostname } from 'node:os';
import process from 'node:process';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { explainConfigProblems, readRunnerConfig } from '../../../src/runner/config.ts';
import { RUNNER_EXIT } from '../../../src/runner/exit-codes.ts';
import { runRunner } from '../../../src/runner/main.ts';
import type { RunnerTuning } from '../../../src/runner/run-daemon.ts';

/** `yardmaster runner run --config <first argument>` with the tuning from `FAULT_TUNING` (JSON): all else is the product. */
const [, , file = 'runner.yml'] = process.argv;
const reading = await readRunnerConfig({
  file,
  variables: process.env,
  machine: { hostname: hostname(), homeFolder: homedir() },
});
if (!reading.ok) throw new Error(explainConfigProblems(file, reading.problems));

process.umask(0o077);
const exit = await runRunner(reading.config, {
  version: '0.0.0-fault',
  configFile: file,
  machineEnv: process.env,
  output: process.stdout,
  signals: process,
  fetch,
  clock: systemClock,
  random: systemRandom,
  warnings: reading.warnings,
  tuning: JSON.parse(process.env['FAULT_TUNING'] ?? '{}') as Partial<RunnerTuning>,
});
// As the command line does it: what is still under way must not keep the process alive.
if (exit === RUNNER_EXIT.forced) process.exit(exit);
process.exitCode = exit;
