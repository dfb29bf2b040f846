import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isFit } from '../../../src/runner/doctor/check.ts';
import { describeChecks } from '../../../src/runner/doctor/describe-checks.ts';
import { judgeAgents } from '../../../src/runner/doctor/judge-agents.ts';
import {
  judgeClock,
  judgeDisk,
  judgeDiskUse,
  judgeKeyMode,
  judgeUser,
} from '../../../src/runner/doctor/judge-machine.ts';
import { judgeToolchains } from '../../../src/runner/doctor/judge-toolchains.ts';
import { SPECIALTY_TOOLCHAINS, wishesOf } from '../../../src/runner/doctor/specialty-toolchains.ts';
import { TOOLCHAINS, type ToolchainFinding } from '../../../src/runner/toolchains.ts';

const NAMES = new Set(TOOLCHAINS.map(({ name }) => name));
const GIB = 1024 ** 3;

describe('what a machine should have', () => {
  test('every wish is for something that is looked for', () => {
    const wished = Object.values(SPECIALTY_TOOLCHAINS).flatMap((wishes) =>
      wishes.flatMap(({ anyOf }) => anyOf),
    );

    expect(wished.filter((name) => !NAMES.has(name))).toEqual([]);
  });

  test('a specialty that is named after a toolchain needs it, by whatever name; one that nobody knows asks for nothing', () => {
    expect(wishesOf(['python', 'rust', 'game-engine'], NAMES)).toEqual([
      { anyOf: ['git'], isNeeded: true },
      { anyOf: ['python'], isNeeded: true },
      { anyOf: ['cargo'], isNeeded: true },
    ]);
  });

  test('what one specialty needs and another likes is needed, and named once', () => {
    const wishes = wishesOf(['backend', 'testing', 'python'], NAMES);

    expect(wishes.filter(({ anyOf }) => anyOf.join() === 'python')).toEqual([
      { anyOf: ['python'], isNeeded: true },
    ]);
    expect(wishes.map(({ isNeeded }) => isNeeded)).toEqual(
      wishes.map(({ isNeeded }) => isNeeded).toSorted((a, b) => Number(b) - Number(a)),
    );
  });
});

describe('what was found', () => {
  const found: ToolchainFinding = { kind: 'found', version: 'Python 3.12.1', path: '/usr/bin/python3' };
  const broken: ToolchainFinding = { kind: 'broken', path: '/opt/x/bin/it', words: 'No such file' };
  const missing: ToolchainFinding = { kind: 'missing' };

  test.each<[string, string[], ToolchainFinding, boolean, string, string, string | null]>([
    ['is there', ['python'], found, false, 'ok', 'python 3.12.1 (/usr/bin/python3)', null],
    ['is there, inside', ['python'], found, true, 'ok', 'python 3.12.1', null],
    [
      'is not',
      ['python'],
      missing,
      true,
      'failed',
      'not on this machine',
      'apt-get install python3 python3-venv python3-pip',
    ],
    [
      'is not of Debian',
      ['kubectl'],
      missing,
      true,
      'failed',
      'not on this machine',
      'https://kubernetes.io/docs/tasks/tools/',
    ],
    [
      'one of several',
      ['chromium', 'firefox'],
      missing,
      true,
      'failed',
      'not on this machine',
      'apt-get install chromium; or apt-get install firefox-esr',
    ],
    [
      'out of sight',
      ['go'],
      broken,
      true,
      'failed',
      '/opt/x/bin/it does not answer inside the sandbox: No such file',
      'show its folder there, in runner.yml: sandbox: { readable: [/opt/x/bin] }, with all that it needs; or install it for the whole machine: apt-get install golang',
    ],
    [
      'broken',
      ['go'],
      broken,
      false,
      'failed',
      '/opt/x/bin/it does not answer: No such file',
      'mend it, or take it off the PATH',
    ],
    [
      'Docker, sandboxed',
      ['docker'],
      broken,
      true,
      'failed',
      '/opt/x/bin/it reaches no Docker from inside the sandbox',
      'jobs can’t use Docker in the sandbox; on a machine of its own, which holds nothing else: sandbox: off',
    ],
  ])('%s', (_name, anyOf, finding, isSandboxed, result, words, fix) => {
    const findings = TOOLCHAINS.filter(({ name }) => anyOf.includes(name)).map((toolchain) => ({
      toolchain,
      finding,
    }));

    const checks = judgeToolchains([{ anyOf, isNeeded: true }], findings, { isSandboxed });

    expect(checks).toEqual([{ name: anyOf.join(' or '), result, found: words, fix }]);
  });

  test('what is only good to have is no failure', () => {
    const checks = judgeToolchains([{ anyOf: ['helm'], isNeeded: false }], [], { isSandboxed: true });

    expect(checks).toMatchObject([{ result: 'warning' }]);
    expect(isFit(checks)).toBe(true);
  });
});

test.each([
  [judgeClock(2000, 'github'), 'ok'],
  [judgeClock(-45_000, 'coordinator'), 'warning'],
  [judgeClock(45_000, 'github'), 'failed'],
  [judgeClock(null, 'github'), 'warning'],
  [judgeDisk(50 * GIB, GIB, '/work'), 'ok'],
  [judgeDisk(3 * GIB, GIB, '/work'), 'warning'],
  [judgeDisk(GIB - 1, GIB, '/work'), 'failed'],
  [judgeDiskUse(3 * GIB, { total: 3 * GIB, attempt: null }), 'ok'],
  [judgeDiskUse(300 * GIB, { total: null, attempt: GIB }), 'ok'],
  [judgeDiskUse(4 * GIB, { total: 3 * GIB, attempt: GIB }), 'warning'],
  [judgeUser(0, 'root'), 'warning'],
  [judgeUser(1000, 'yardmaster'), 'ok'],
  [judgeKeyMode(0o100600, '/key'), 'ok'],
  [judgeKeyMode(0o100640, '/key'), 'failed'],
])('%j is %s', (check, result) => {
  expect(check.result).toBe(result);
  expect(check.fix === null).toBe(result === 'ok');
});

test.each([
  ['the only default one', ['claude'], { claude: false, codex: true }, 'failed ok'],
  ['one of two default ones', ['claude', 'codex'], { claude: false, codex: true }, 'warning ok'],
  ['both default ones', ['claude', 'codex'], { claude: false, codex: false }, 'failed failed'],
  ['one that nobody gets by default', ['codex'], { claude: false, codex: true }, 'warning ok'],
])('%s can not run', (_what, defaults, canRun, expected) => {
  const found = Object.entries(canRun).map(([name, ok]) => ({
    name,
    fitness: ok
      ? { ok: true as const, version: '1' }
      : { ok: false as const, reason: 'No key', fix: 'Set it' },
  }));

  const checks = judgeAgents(found, defaults);

  expect(checks.map(({ result }) => result).join(' ')).toBe(expected);
});

test('a slow clock is told as such', () => {
  expect(judgeClock(-45_000, 'coordinator').found).toBe('45 s slow');
});

test('in a terminal each trouble has its fix below, and the sum is at the end', () => {
  const text = describeChecks([
    { name: 'git', result: 'ok', found: 'git 2.39', fix: null },
    { name: 'agent claude', result: 'failed', found: 'There is no\u001B[2J program', fix: 'Install it' },
    { name: 'disk', result: 'warning', found: '3 GiB', fix: 'Make room' },
  ]);

  expect(stripVTControlCharacters(text)).toBe(`ok       git           git 2.39
FAILED   agent claude  There is no program
         → Install it
warning  disk          3 GiB
         → Make room

1 ok, 1 warning, 1 FAILED: the runner can’t work so.`);
});
