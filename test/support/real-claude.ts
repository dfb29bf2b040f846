import { pino } from 'pino';
import { systemClock } from '../../src/lib/clock.ts';
import type { Agent } from '../../src/runner/agents/agent.ts';
import { createClaudeCodeAgent } from '../../src/runner/agents/claude-code.ts';
import type { ClaudeCodeOptions } from '../../src/runner/agents/claude-code.ts';

/** A key that no service knows. */
export const DUMMY_KEY = 'sk-ant-dummy-not-a-key-0000';

/** The real Claude Code, as `npm run test:agents` installed it. */
export function realClaudePath(): string {
  const path = process.env['YARDMASTER_REAL_CLAUDE'];
  if (path === undefined) throw new Error('Run these tests with `npm run test:agents`');
  return path;
}

/** The real Claude Code behind our driver, speaking to the model at `modelUrl`. */
export function realClaude(modelUrl: string, options: Partial<ClaudeCodeOptions> = {}): Agent {
  return createClaudeCodeAgent({
    executable: realClaudePath(),
    machineEnv: { PATH: process.env['PATH'] },
    log: pino({ level: 'silent' }),
    clock: systemClock,
    ...options,
    env: { ANTHROPIC_BASE_URL: modelUrl, ANTHROPIC_API_KEY: DUMMY_KEY, ...options.env },
  });
}
