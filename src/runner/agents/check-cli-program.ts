import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { runCommand } from '../../lib/run-command.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import type { AgentPreflight } from './agent.ts';
import { agentEnvironment, type MachineEnv } from './agent-environment.ts';
import { findVersion, isWantedVersion, type TestedVersions, warnOfVersion } from './tested-version.ts';

const PREFLIGHT_MS = 60_000;
const MAX_HELP_BYTES = 256 * 1024;

/** How a command line is asked who it is. */
export type CliIdentity = {
  /** On npm. */
  packageName: string;
  tested: TestedVersions;
  /** What must be known to it, or it isn't safe to run; looked for in the output of `arguments`. */
  help: { arguments: readonly string[]; options: readonly string[] };
};

/** Asks the program itself: does it start, which version is it, does it know the options that it is run with? */
export async function checkCliProgram(options: {
  /** Of the agent, for people. */
  name: string;
  title: string;
  executable: string;
  identity: CliIdentity;
  /** `latest`, or the version (or its beginning) that must be installed. */
  version: string;
  machineEnv: MachineEnv;
  /** The agent's own variables. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
}): Promise<AgentPreflight> {
  const { executable, title } = options;
  const { packageName, tested, help } = options.identity;
  const install = `Install it with \`npm install --global ${packageName}@${tested.from}\``;
  const folder = await mkdtemp(join(tmpdir(), 'agent-preflight-'));
  const ask = async (args: readonly string[]) =>
    await runCommand({
      command: [executable, ...args],
      cwd: folder,
      env: {
        ...agentEnvironment(options.machineEnv, { homeFolder: folder, tempFolder: folder }),
        ...options.env,
      },
      timeoutMs: PREFLIGHT_MS,
      maxOutputBytes: MAX_HELP_BYTES,
      keepStdout: true,
      clock: options.clock,
    });
  try {
    const asked = await ask(['--version']);
    const version = findVersion(asked.stdout ?? '');
    if (version === null || asked.exitCode !== 0) {
      const words = asked.spawnError?.message ?? toOneLine(asked.outputTail, 200);
      return { ok: false, reason: `${executable} is not ${title}: ${words}`, fix: install };
    }
    if (!isWantedVersion(version, options.version)) {
      return {
        ok: false,
        reason: `${title} is ${version}, but ${options.version} is configured`,
        fix: `Install it with \`npm install --global ${packageName}@${options.version}\`, or take version: out of the agent "${options.name}"`,
      };
    }
    const known = new Set((await ask(help.arguments)).outputTail.match(/--[a-z][a-zA-Z-]*/g));
    const missing = help.options.filter((option) => !known.has(option));
    if (missing.length > 0) {
      return { ok: false, reason: `${title} ${version} does not know ${missing.join(', ')}`, fix: install };
    }
    return { ok: true, version, warning: warnOfVersion(title, version, tested) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
