import { expect } from 'vitest';
import type { AttemptResult } from '../../src/contract/attempt-result.ts';
import type { Command } from '../../src/contract/command-run.ts';
import type { JobSettings } from '../../src/contract/job.ts';
import type { RunnerConfig } from '../../src/runner/config.ts';
import { RUNNER_EXIT } from '../../src/runner/exit-codes.ts';
import type { SandboxSettings } from '../../src/runner/sandbox/sandbox-settings.ts';
import { aRunnerConfig, HOUSE_AGENT, startInProcess } from './in-process-runner.ts';
import { startRunnerWorld, WIDGETS } from './runner-world.ts';
import { until } from './until.ts';

/** A repository, and how it is set up and tested; `null` = as the analysis finds. */
export type Project = { files: Record<string, string>; setup: Command[] | null; test: Command[] | null };

export type WorkDone = {
  result: AttemptResult;
  log: string;
  /** A file of the pushed branch. */
  file(path: string): Promise<string | null>;
  [Symbol.asyncDispose](): Promise<void>;
};

type AgentConfig = RunnerConfig['agents'][string];

/**
 * A whole attempt on the project, with a runner, git and GitHub's stand-in, whose agent writes `edits`. `path`: the PATH of the machine;
 * `sandbox`: off unless it is given.
 */
export async function workOnProject(
  project: Project,
  edits: Record<string, string>,
  options: {
    path: string;
    settings?: Partial<JobSettings>;
    timeoutMs?: number;
    sandbox?: SandboxSettings;
    machineEnv?: Record<string, string>;
  },
): Promise<WorkDone> {
  const world = await startRunnerWorld({ leaseSeconds: 60, heartbeatSeconds: 1, files: project.files });
  const env = { HOUSE_SCENARIO: 'edit', HOUSE_EDITS: JSON.stringify(edits) };
  const house: AgentConfig = { kind: 'command', command: [process.execPath, HOUSE_AGENT], env };
  const { path, sandbox, machineEnv = {} } = options;
  const overrides = { agents: { house }, ...(sandbox === undefined ? {} : { sandbox }) };
  const runner = await startInProcess(aRunnerConfig(world, 'edit', overrides), { path, machineEnv });
  async function dispose(): Promise<void> {
    runner.signal();
    runner.signal();
    expect(await runner.exit).toBe(RUNNER_EXIT.ok);
    await world[Symbol.asyncDispose]();
  }
  try {
    await runner.ready;
    const { setup: setupCommands, test: testCommands } = project;
    const spec = await world.makeSpec({
      settings: { setupCommands, testCommands, repairRounds: 0, ...options.settings },
    });
    const attempt = world.coordinator.offer(spec);
    const result = await until('the attempt has ended', () => attempt.result, options.timeoutMs ?? 120_000);
    return {
      result,
      log: attempt.log,
      file: (name) => world.github.state.file(WIDGETS, spec.branch, name),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
