import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installUnit } from '../../../src/runner/service/install-unit.ts';
import { watchdogMs } from '../../../src/runner/service/notify-systemd.ts';
import { toUnitFile, type UnitFacts } from '../../../src/runner/service/unit-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'units-'));
});
afterEach(() => rm(folder, { recursive: true }));

function aUnit(overrides: Partial<UnitFacts> = {}): UnitFacts {
  return {
    runnerName: 'backend-1',
    user: 'root',
    command: [process.execPath, '/opt/yard master/100%/$bin/yardmaster.js'],
    configFile: '/etc/yard master/runner.yml',
    writable: ['/var/lib/yardmaster', '/srv/a b'],
    ...overrides,
  };
}

describe('the unit', () => {
  test('names with spaces, specifiers and variables stay what they are', () => {
    const unit = toUnitFile(aUnit());

    expect(unit).toContain(
      `ExecStart=${process.execPath} "/opt/yard master/100%%/$$bin/yardmaster.js" runner run --config "/etc/yard master/runner.yml"\n`,
    );
    expect(unit).toContain('ReadWritePaths=-/var/lib/yardmaster "-/srv/a b"\n');
    expect(unit).toContain('WorkingDirectory=/etc/yard master\n');
    expect(unit).toContain('RestartPreventExitStatus=2 3 4 5 6\n');
  });

  test.each([
    [{ user: 'root\nExecStartPre=/bin/rm' }, 'is no name of a user'],
    [{ writable: ['/srv/a\nb'] }, 'control characters'],
    [{ configFile: '/etc/a\nb/runner.yml' }, 'control characters'],
  ])('%j can’t be written into it', (overrides, message) => {
    expect(() => toUnitFile(aUnit(overrides))).toThrow(message);
  });

  test('the name that people see can do nothing in it', () => {
    expect(toUnitFile(aUnit({ runnerName: 'x\nUser=root %n' }))).toContain(
      'Description=Yardmaster runner x_User_root _n\n',
    );
  });

  // Measured: with any of these bubblewrap can't mount /proc, or make a namespace at all.
  test.each([
    'RestrictNamespaces',
    'PrivateUsers',
    'ProtectKernelTunables',
    'ProtectKernelLogs',
    'ProcSubset',
  ])('does not set %s, which would take the sandbox away', (setting) => {
    expect(toUnitFile(aUnit())).not.toMatch(new RegExp(`^${setting}=`, 'm'));
  });

  test.skipIf(!existsSync('/usr/bin/systemd-analyze'))('systemd finds nothing wrong with it', async () => {
    const file = path.join(folder, 'yardmaster-runner.service');
    await writeFile(file, toUnitFile(aUnit()));

    const { all, exitCode } = await execa('systemd-analyze', ['verify', file], { all: true, reject: false });

    expect(all).toBe('');
    expect(exitCode).toBe(0);
  });
});

test('is written once; another one of that name only by force', async () => {
  const place = { folder, name: 'runner' };
  const first = await installUnit('one', place, { force: false });
  expect(first).toEqual({ file: path.join(folder, 'runner.service'), result: 'written' });
  expect(await installUnit('one', place, { force: false })).toMatchObject({ result: 'same' });

  await expect(installUnit('two', place, { force: false })).rejects.toThrow('then --force');
  expect(await readFile(first.file, 'utf8')).toBe('one');
  await installUnit('two', place, { force: true });

  expect(await readFile(first.file, 'utf8')).toBe('two');
  await expect(installUnit('one', { folder: '/no/such', name: 'x' }, { force: false })).rejects.toThrow(
    'is this a machine with systemd?',
  );
});

test.each([
  [{ WATCHDOG_USEC: '90000000' }, 90_000],
  [{ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '7' }, 90_000],
  [{ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '8' }, null],
  [{ WATCHDOG_USEC: 'soon' }, null],
  [{}, null],
])('with %j it is watched for %s ms', (environment, ms) => {
  expect(watchdogMs(environment, 7)).toBe(ms);
});
