import { arch, availableParallelism, platform } from 'node:os';
import { Capability } from '../contract/identifiers.ts';
import { probeToolchains, type ToolchainProbe } from './toolchains.ts';

/**
 * What this machine has: `os:linux`, `arch:x64`, `cpus:8`, and for each program that answers `python`, `python:3` and `python:3.11`.
 * Sorted, without repeats. With a sandbox: what answers inside of it.
 */
export async function probeCapabilities(probe: ToolchainProbe): Promise<string[]> {
  const probed = (await probeToolchains(probe)).flatMap(({ toolchain, finding }) =>
    finding.kind === 'found' ? toVersionCapabilities(toolchain.name, finding.version) : [],
  );
  const facts = [`os:${platform()}`, `arch:${arch()}`, `cpus:${availableParallelism()}`];
  return [...new Set([...facts, ...probed])].filter(isCapability).sort();
}

/** `python`, `python:3`, `python:3.11`: people ask for as much of a version as they need. */
export function toVersionCapabilities(name: string, version: string): string[] {
  const match = /(\d+)(?:\.(\d+))?/.exec(version);
  if (match === null) return [name];
  const [, major, minor] = match;
  return [name, `${name}:${major}`, ...(minor === undefined ? [] : [`${name}:${major}.${minor}`])];
}

function isCapability(text: string): boolean {
  return Capability.safeParse(text).success;
}
