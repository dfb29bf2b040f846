import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { probeCapabilities, toVersionCapabilities } from '../../src/runner/capabilities.ts';
import { probeToolchains, TOOLCHAINS } from '../../src/runner/toolchains.ts';

test('finds the programs on the PATH with their versions, and nothing that is not there', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'programs-'));
  try {
    await fakeProgram(folder, 'python3', 'echo Python 3.12.1');
    await fakeProgram(folder, 'go', 'echo go version go1.23.4 linux/amd64');
    await fakeProgram(folder, 'java', 'echo "Unrecognized option: --version" >&2; exit 1');

    const found = await probeCapabilities({ machineEnv: { PATH: folder }, folder });

    expect(found).toEqual([...found].sort());
    expect(found).toEqual(
      expect.arrayContaining(['os:linux', `arch:${arch()}`, 'python', 'python:3', 'python:3.12', 'go:1.23']),
    );
    expect(found.filter((name) => /^(java|node|docker|cargo)/.test(name))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each([
  ['node', 'v24.1.0', ['node', 'node:24', 'node:24.1']],
  ['docker', '27.5.1', ['docker', 'docker:27', 'docker:27.5']],
  ['java', 'openjdk 21 2023-09-19', ['java', 'java:21']],
  ['git', 'a git of our own', ['git']],
])('reads the version of %s from %j', (name, text, capabilities) => {
  expect(toVersionCapabilities(name, text)).toEqual(capabilities);
});

async function fakeProgram(folder: string, name: string, script: string): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

test('what does not answer where jobs run is none, and its words are kept', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'programs-'));
  try {
    await fakeProgram(folder, 'go', 'echo "no such runtime" >&2; exit 1');
    await fakeProgram(folder, 'jq', 'printf "\\njq-1.7\\n"');
    const wanted = TOOLCHAINS.filter(({ name }) => ['go', 'jq', 'helm'].includes(name));
    const seen: string[][] = [];
    const sandbox = {
      kind: 'none' as const,
      wrap: (command: string[], env: Record<string, string>) => {
        seen.push(command);
        return { command, env };
      },
    };

    const found = await probeToolchains({ machineEnv: { PATH: `${folder}:/bin` }, sandbox, folder }, wanted);

    expect(found.map(({ finding }) => finding)).toEqual([
      { kind: 'broken', path: path.join(folder, 'go'), words: 'no such runtime' },
      { kind: 'missing' },
      { kind: 'found', version: 'jq-1.7', path: path.join(folder, 'jq') },
    ]);
    // What is not there is not started.
    expect(new Set(seen.map(([program]) => program))).toEqual(new Set(['go', 'jq']));
  } finally {
    await rm(folder, { recursive: true });
  }
});
