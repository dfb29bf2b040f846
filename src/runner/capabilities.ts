import { arch, availableParallelism, platform } from 'node:os';
import { Capability } from '../contract/job.ts';
import { runCommand } from '../lib/run-command.ts';
import { type MachineEnv, pickVariables } from './agents/agent-environment.ts';

const PROBE_TIMEOUT_MS = 5000;

/** Programs that work may need: the capability, and how to ask for the version. The first that answers counts. */
const PROGRAMS: readonly { name: string; commands: readonly (readonly string[])[] }[] = [
  { name: 'node', commands: [['node', '--version']] },
  {
    name: 'python',
    commands: [
      ['python3', '--version'],
      ['python', '--version'],
    ],
  },
  { name: 'go', commands: [['go', 'version']] },
  { name: 'cargo', commands: [['cargo', '--version']] },
  { name: 'java', commands: [['java', '--version']] },
  { name: 'docker', commands: [['docker', '--version']] },
  { name: 'git', commands: [['git', '--version']] },
];

/**
 * What this machine has: `os:linux`, `arch:x64`, `cpus:8`, and for each program that answers `python`, `python:3` and `python:3.11`.
 * Sorted, without repeats.
 */
export async function probeCapabilities(machineEnv: MachineEnv, cwd: string): Promise<string[]> {
  const probed = await Promise.all(
    PROGRAMS.map(async ({ name, commands }) => {
      for (const command of commands) {
        const version = await readVersion(command, machineEnv, cwd);
        if (version !== null) return toVersionCapabilities(name, version);
      }
      return [];
    }),
  );
  const facts = [`os:${platform()}`, `arch:${arch()}`, `cpus:${availableParallelism()}`];
  return [...new Set([...facts, ...probed.flat()])].filter(isCapability).sort();
}

/** `python`, `python:3`, `python:3.11`: people ask for as much of a version as they need. */
export function toVersionCapabilities(name: string, version: string): string[] {
  const match = /(\d+)(?:\.(\d+))?/.exec(version);
  if (match === null) return [name];
  const [, major, minor] = match;
  return [name, `${name}:${major}`, ...(minor === undefined ? [] : [`${name}:${major}.${minor}`])];
}

/** The first line of the output; `null` when the program is not there or does not answer. */
async function readVersion(
  command: readonly string[],
  machineEnv: MachineEnv,
  cwd: string,
): Promise<string | null> {
  const result = await runCommand({
    command,
    cwd,
    env: pickVariables(machineEnv, ['PATH', 'HOME', 'JAVA_HOME']),
    timeoutMs: PROBE_TIMEOUT_MS,
    killGraceMs: 500,
    maxOutputBytes: 1024,
  });
  return result.exitCode === 0 ? (result.outputTail.split('\n')[0] ?? '') : null;
}

function isCapability(text: string): boolean {
  return Capability.safeParse(text).success;
}
