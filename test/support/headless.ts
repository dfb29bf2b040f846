import path from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../src/lib/clock.ts';
import type { Agent } from '../../src/runner/agents/agent.ts';
import { createHeadlessAgent, type HeadlessAgentOptions } from '../../src/runner/agents/headless-agent.ts';
import type { HeadlessCli } from '../../src/runner/agents/headless-cli.ts';

/** A key that no service knows. */
export const HEADLESS_KEY = 'dummy-real-key-000000';

/** A command line behind our driver, speaking to the model at `modelUrl`: the fake of `test/fixtures/bin`, or the real one. */
export function aHeadlessAgent(
  cli: HeadlessCli,
  modelUrl: string,
  options: Partial<HeadlessAgentOptions> = {},
): Agent {
  return createHeadlessAgent({
    name: cli.program,
    cli,
    executable: path.resolve(import.meta.dirname, `../fixtures/bin/fake-${cli.program}.mjs`),
    machineEnv: { PATH: process.env['PATH'], SECRET_OF_RUNNER: 'never' },
    log: pino({ level: 'silent' }),
    clock: systemClock,
    isSandboxed: false,
    ...options,
    env: {
      [cli.variables.address]: modelUrl,
      [cli.variables.keys.at(-1) ?? '']: HEADLESS_KEY,
      ...options.env,
    },
  });
}

/** The real command line, as `npm run test:agents` installed it; `null` when it could not be had. */
export function realAgentPath(program: string): string | null {
  return process.env[`YARDMASTER_REAL_${program.toUpperCase()}`] ?? null;
}
