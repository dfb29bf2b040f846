import { homedir, hostname } from 'node:os';
import { Option } from 'commander';
import {
  explainConfigProblems,
  readRunnerConfig,
  readWorkspaceRoot,
  type RunnerConfig,
} from '../runner/config.ts';
import { ControlError } from '../runner/control/control-client.ts';
import type { CommandLine } from './command-line.ts';

/** `--config`, for commands about the runner on this machine. */
export function configOption(): Option {
  return new Option('--config <file>', 'the runner’s configuration').default('runner.yml');
}

/** Where the runner works, also when there are other mistakes in its configuration. */
export async function readRoot(file: string, environment: CommandLine['environment']): Promise<string> {
  const machine = { hostname: hostname(), homeFolder: homedir() };
  const reading = await readWorkspaceRoot({ file, variables: environment, machine });
  if (reading.ok) return reading.workspaceRoot;
  throw new ControlError(explainConfigProblems(file, reading.problems));
}

/** Throws with everything that is wrong in it. */
export async function readConfig(
  file: string,
  environment: CommandLine['environment'],
): Promise<RunnerConfig> {
  const machine = { hostname: hostname(), homeFolder: homedir() };
  const reading = await readRunnerConfig({ file, variables: environment, machine });
  if (reading.ok) return reading.config;
  throw new ControlError(explainConfigProblems(file, reading.problems));
}
