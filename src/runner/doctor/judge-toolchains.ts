import path from 'node:path';
import type { Toolchain, ToolchainFinding } from '../toolchains.ts';
import { type Check, fine, trouble } from './check.ts';
import type { ToolchainWish } from './specialty-toolchains.ts';

type Finding = { toolchain: Toolchain; finding: ToolchainFinding };

/** Each wish held against what was found, with what to install where it is not met. */
export function judgeToolchains(
  wishes: readonly ToolchainWish[],
  findings: readonly Finding[],
  { isSandboxed }: { isSandboxed: boolean },
): Check[] {
  return wishes.map((wish) => {
    const candidates = findings.filter(({ toolchain }) => wish.anyOf.includes(toolchain.name));
    const name = wish.anyOf.length > 3 ? 'a language' : wish.anyOf.join(' or ');
    const met = candidates.flatMap(({ toolchain, finding }) => {
      if (finding.kind !== 'found') return [];
      // Which one answers inside is the sandbox's affair.
      const where = isSandboxed ? '' : ` (${finding.path})`;
      return [`${toolchain.name} ${toVersion(finding.version)}${where}`];
    });
    if (met.length > 0) return fine(name, met.join(', '));
    const result = wish.isNeeded ? 'failed' : 'warning';
    for (const { toolchain, finding } of candidates) {
      if (finding.kind === 'broken') return toBroken(result, name, toolchain, finding, isSandboxed);
    }
    return trouble(result, name, 'not on this machine', toInstallation(candidates));
  });
}

function toBroken(
  result: 'warning' | 'failed',
  name: string,
  toolchain: Toolchain,
  { path: file, words }: Extract<ToolchainFinding, { kind: 'broken' }>,
  isSandboxed: boolean,
): Check {
  if (toolchain.name === 'docker') {
    return isSandboxed
      ? trouble(
          result,
          name,
          `${file} reaches no Docker from inside the sandbox`,
          'jobs can’t use Docker in the sandbox; on a machine of its own, which holds nothing else: sandbox: off',
        )
      : trouble(
          result,
          name,
          `${file} reaches no Docker: ${words}`,
          'start it (systemctl enable --now docker), and put the runner’s user in its group (usermod -aG docker <user>)',
        );
  }
  return isSandboxed
    ? trouble(
        result,
        name,
        `${file} does not answer inside the sandbox: ${words}`,
        `show its folder there, in runner.yml: sandbox: { readable: [${path.dirname(file)}] }, with all that it needs; or install it for the whole machine: ${toInstallation([{ toolchain, finding: { kind: 'missing' } }])}`,
      )
    : trouble(result, name, `${file} does not answer: ${words}`, 'mend it, or take it off the PATH');
}

function toInstallation(candidates: readonly Finding[]): string {
  const ways = candidates.slice(0, 3).map(({ toolchain: { packages, from } }) => {
    return packages.length > 0 ? `apt-get install ${packages.join(' ')}` : (from ?? '');
  });
  return ways.join('; or ');
}

/** `3.12.1` out of `Python 3.12.1`. */
function toVersion(text: string): string {
  return /\d+(?:\.\d+)*/.exec(text)?.[0] ?? '';
}
