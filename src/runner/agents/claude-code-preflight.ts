import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { runCommand } from '../../lib/run-command.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import type { AgentPreflight } from './agent.ts';
import { agentEnvironment } from './agent-environment.ts';
import type { MachineEnv } from './agent-environment.ts';
import { REQUIRED_OPTIONS } from './claude-code-arguments.ts';
import { findVersion, isWantedVersion, warnOfVersion } from './tested-version.ts';

const TIMEOUT_MS = 20_000;
const MAX_HELP_BYTES = 256 * 1024;
const INSTALL =
  'Install it with `npm install --global @anthropic-ai/claude-code` (Claude Code 2.1.330 or newer)';

const TESTED = { from: '2.1.330', below: '2.2.0' };

/** Asks the program itself: does it start, which version is it, does it know the options that keep us safe? */
export async function checkClaudeProgram(options: {
  executable: string;
  /** `latest`, or a version or the beginning of one. */
  version: string;
  machineEnv: MachineEnv;
  env: Readonly<Record<string, string>>;
  clock: Clock;
}): Promise<AgentPreflight> {
  const folder = await mkdtemp(join(tmpdir(), 'claude-preflight-'));
  try {
    const asked = await ask('--version');
    const version = findVersion(asked.stdout);
    if (version === null) {
      const words = asked.spawnError?.message ?? toOneLine(asked.outputTail, 200);
      return { ok: false, reason: `${options.executable} is not Claude Code: ${words}`, fix: INSTALL };
    }
    if (!isWantedVersion(version, options.version)) {
      return {
        ok: false,
        reason: `Claude Code is ${version}, but ${options.version} is configured`,
        fix: `Install it with \`npm install --global @anthropic-ai/claude-code@${options.version}\`, or set claude_code.version to "latest"`,
      };
    }
    const known = new Set((await ask('--help')).stdout.match(/--[a-z][a-zA-Z-]*/g));
    const missing = REQUIRED_OPTIONS.filter((option) => !known.has(option));
    if (missing.length > 0) {
      return {
        ok: false,
        reason: `Claude Code ${version} does not know ${missing.join(', ')}`,
        fix: INSTALL,
      };
    }
    const warning = warnOfVersion('Claude Code', version, TESTED);
    return { ok: true, version, ...(warning === null ? {} : { warning }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }

  async function ask(argument: string) {
    const result = await runCommand({
      command: [options.executable, argument],
      cwd: folder,
      env: {
        ...agentEnvironment(options.machineEnv, { homeFolder: folder, tempFolder: folder }),
        ...options.env,
        CLAUDE_CONFIG_DIR: folder,
      },
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: MAX_HELP_BYTES,
      keepStdout: true,
      clock: options.clock,
    });
    return { ...result, stdout: result.stdout ?? '' };
  }
}
