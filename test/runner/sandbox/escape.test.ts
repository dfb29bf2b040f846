import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processesWith } from '../../support/processes.ts';
import { makeSandboxedMachine, type SandboxedMachine, whyNoSandbox } from '../../support/sandboxed.ts';
import { until } from '../../support/until.ts';

const LIMITS = {
  processes: 60,
  openFiles: 200,
  fileBytes: 4 * 1024 ** 2,
  cpuSeconds: 60,
  addressSpaceBytes: null,
  memoryBytes: 400 * 1024 ** 2,
};

describe.skipIf((await whyNoSandbox()) !== null)('from inside the sandbox', () => {
  let machine: SandboxedMachine;
  beforeEach(async () => {
    machine = await makeSandboxedMachine({ limits: LIMITS });
  });
  afterEach(async () => {
    const left = processesWith(machine.folder);
    await machine[Symbol.asyncDispose]();
    expect(left, 'nothing is left running').toEqual([]);
  });

  test('the workspace, HOME and TMPDIR of the attempt can be used, and git’s borrowed objects be read', async () => {
    const { needs, files } = machine;

    const results = await machine.tryAll([
      { do: 'write', path: path.join(needs.workspace, 'work.txt') },
      { do: 'write', path: path.join(needs.home, 'home.txt') },
      { do: 'write', path: path.join(needs.temp, 'temp.txt') },
      { do: 'write', path: '/tmp/scratch' },
      { do: 'read', path: files.object },
      { do: 'read', path: files.tool },
    ]);

    expect(results).toEqual(['ok', 'ok', 'ok', 'ok', 'content of object', 'content of tool']);
    expect(readFileSync(path.join(needs.workspace, 'work.txt'), 'utf8')).toBe('I was here');
    expect(existsSync('/tmp/scratch')).toBe(false);
  });

  test('nothing of the runner and its neighbours can be read', async () => {
    const { files, folder } = machine;
    const hidden = [files.config, files.key, files.journal, files.neighbour, files.privateGit];
    const mirrors = [files.mirrorConfig, files.otherMirror];

    const results = await machine.tryAll(
      [...hidden, ...mirrors, '/etc/shadow', '/root', process.env['HOME'] ?? '/root', '/var/log'].map(
        (name) => ({
          do: 'read',
          path: name,
        }),
      ),
    );
    const [shown] = await machine.tryAll([{ do: 'list', path: path.join(folder, 'root') }]);

    expect(new Set(results)).toEqual(new Set(['ENOENT']));
    expect(shown).toBe('attempts mirrors');
  });

  test('a secret in a folder that is shown is covered', async () => {
    const results = await machine.tryAll([{ do: 'read', path: machine.files.toolSecret }]);

    expect(results).toEqual(['EACCES']);
  });

  test('nothing outside can be written, not even what can be read', async () => {
    const { files, folder } = machine;
    const targets = [
      files.object,
      files.mirrorConfig,
      files.tool,
      path.join(folder, 'root/mirrors/1.git/objects/new'),
      path.join(folder, 'root/planted'),
      '/etc/passwd',
      '/usr/bin/planted',
      '/planted',
    ];

    const results = await machine.tryAll(targets.map((name) => ({ do: 'write', path: name })));

    for (const result of results) expect(result).toMatch(/^(EROFS|EACCES|ENOENT)$/);
    expect(readFileSync(files.object, 'utf8')).toBe('content of object');
  });

  test('no service can be reached: not of the machine, not of the cloud, not of the internet', async () => {
    const server = createServer((_, response) => response.end('secret'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const results = await machine.tryAll([
        { do: 'connect', host: '127.0.0.1', port },
        { do: 'connect', host: '169.254.169.254', port: 80 },
        { do: 'connect', host: '1.1.1.1', port: 443 },
      ]);

      expect(results).toEqual(['ECONNREFUSED', 'ENETUNREACH', 'ENETUNREACH']);
      // Only whoever was given the machine's network has it.
      const open = await machine.tryAll([{ do: 'connect', host: '127.0.0.1', port }], { network: 'host' });
      expect(open).toEqual(['ok']);
    } finally {
      server.close();
    }
  });

  test('no environment can be seen but its own', async () => {
    const [seen] = await machine.tryAll([{ do: 'environments' }], { env: { OWN: 'own-value' } });

    expect(seen).toContain('OWN=own-value');
    expect(seen).not.toContain('VITEST');
  });

  test('no value of an environment is in the arguments, which everybody on the machine can read', async () => {
    const launch = await machine.sandbox.wrap(['true'], { KEY: 'secret-1234' }, machine.needs);

    expect(launch.command.join(' ')).not.toContain('secret-1234');
    expect(launch.env).toEqual({ KEY: 'secret-1234' });
  });

  test('a fork bomb stays small', async () => {
    const [started] = await machine.tryAll([{ do: 'fork', count: 200 }], { asStranger: true });

    expect(Number(started)).toBeGreaterThan(5);
    expect(Number(started)).toBeLessThan(LIMITS.processes);
  });

  test('a file can’t fill the disk', async () => {
    const file = path.join(machine.needs.workspace, 'big');

    const results = await machine.tryAll([{ do: 'fill', path: file, bytes: 2 * LIMITS.fileBytes }]);

    expect(results).toEqual(['EFBIG']);
    expect(statSync(file).size).toBeLessThanOrEqual(LIMITS.fileBytes);
  });

  test('no process opens more files than it may', async () => {
    const [opened = ''] = await machine.tryAll([{ do: 'open', count: 10_000 }]);

    const [, count] = /^EMFILE after (\d+)$/.exec(opened) ?? [];
    expect(Number(count)).toBeGreaterThan(100);
    expect(Number(count)).toBeLessThan(LIMITS.openFiles);
  });

  test('no process computes for longer than it may, and how it ends says so', async () => {
    await using hurried = await makeSandboxedMachine({ limits: { ...LIMITS, cpuSeconds: 1 } });

    const result = await hurried.run(['sh', '-c', 'while :; do :; done'], { timeoutMs: 100_000 });

    expect(result).toMatchObject({
      exitCode: 128 + constants.signals.SIGXCPU,
      timedOut: false,
      leftBehind: [],
    });
  });

  test('memory can be filled neither by processes together nor by files that live in it', async () => {
    const hog = 'const hog = Buffer.alloc(250e6, 1); setInterval(() => hog.at(0), 1000)';
    const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(hog)}]); ${hog}`;

    const hogs = await machine.run([process.execPath, '-e', parent]);
    const [device] = await machine.tryAll([{ do: 'write', path: '/dev/planted' }]);
    const { stdout: rooms = '' } = await machine.run(['stat', '-f', '-c', '%b %S', '/tmp', '/dev/shm']);

    expect(hogs).toMatchObject({ outOfMemory: true, exitCode: null, leftBehind: [] });
    expect(device).toBe('EROFS');
    for (const room of rooms.trim().split('\n')) {
      const [blocks = 0, size = 0] = room.split(' ').map(Number);
      expect(blocks * size).toBe(512 * 1024 ** 2);
    }
  });

  test('of all processes of the machine it is the first that the kernel ends for want of memory', async () => {
    expect((await machine.run(['cat', '/proc/self/oom_score_adj'])).stdout).toBe('1000\n');
  });

  test.skipIf(process.arch !== 'x64')(
    'the kernel does not even look at calls that have been ways out',
    async () => {
      // Numbers from asm/unistd_64.h, not from the filter.
      const refused: [string, ...(number | string)[]][] = [
        ['add_key', 248, '"user"', '"x"', '"y"', 1, -2],
        ['request_key', 249, '"user"', '"x"', 0, -2],
        ['keyctl', 250, 0, -4, 1],
        ['bpf', 321, 0, 0, 0],
        ['userfaultfd', 323, 1],
        ['perf_event_open', 298, '"\\0" x 128', 0, -1, -1, 0],
        ['io_uring_setup', 425, 1, '"\\0" x 120'],
        ['mount', 165, '"none"', '"/tmp"', '"tmpfs"', 0, 0],
        ['fsopen', 430, '"tmpfs"', 0],
        ['open_tree', 428, -100, '"/"', 0],
        ['setns', 308, 0, 0],
        ['kexec_load', 246, 0, 0, 0, 0],
        ['open_by_handle_at', 304, 0, 0, 0],
        ['unshare into a user namespace', 272, 0x1000_0000],
        ['clone into a user namespace', 56, 0x1000_0011, 0, 0, 0, 0],
        ['TIOCSTI', 16, 0, 0x5412, '"x"'],
      ];
      const other: [string, number, ...(number | string)[]][] = [
        ['clone3', 38, 435, 0, 0],
        ['a socket to the hypervisor', 97, 41, 40, 1, 0],
        ['a socket to the kernel’s ciphers', 97, 41, 38, 5, 0],
        ['a socket of UNIX', 0, 41, 1, 1, 0],
        ['unshare of files alone', 0, 272, 0x400],
      ];
      const tries = [
        ...refused.map(([name, ...call]) => ({ name, error: 1, call })),
        ...other.map(([name, error, ...call]) => ({ name, error, call })),
      ];
      // Perl, which every Debian has, calls the kernel by number.
      const script = tries
        .map(
          ({ call }) =>
            `@a = (${call.join(', ')}); print syscall($a[0], @a[1..$#a]) == -1 ? $!+0 : 0, "\\n";`,
        )
        .join('\n');

      const { stdout = '' } = await machine.run(['perl', '-e', script]);

      const errors = stdout.trim().split('\n').map(Number);
      expect(tries.map(({ name }, at) => [name, errors[at]])).toEqual(
        tries.map(({ name, error }) => [name, error]),
      );
    },
  );

  test('no capabilities, no way to new ones, no core dumps', async () => {
    const { stdout = '' } = await machine.run(['cat', '/proc/self/status', '/proc/self/limits']);

    expect(stdout).toMatch(/^CapEff:\s+0+$/m);
    expect(stdout).toMatch(/^CapBnd:\s+0+$/m);
    expect(stdout).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(stdout).toMatch(/^Seccomp:\s+2$/m);
    expect(stdout).toMatch(/^Max core file size\s+0\s+0/m);
    expect((await machine.run(['unshare', '--user', 'true'])).exitCode).not.toBe(0);
  });
});

describe.skipIf((await whyNoSandbox()) !== null)('the end of a sandbox', () => {
  /** Leaves its session, its parents and its environment, and does not listen. */
  const DAEMON = 'setsid env -i sh -c "trap \\"\\" TERM; sleep 300 & exec sleep 300" & ';
  let machine: SandboxedMachine;
  /** In the arguments of all that a test starts inside. */
  let sleep: string;
  beforeEach(async () => {
    machine = await makeSandboxedMachine();
    sleep = String(1_000_000 + Number.parseInt(randomUUID().slice(0, 6), 16));
  });
  afterEach(() => machine[Symbol.asyncDispose]());

  test('gives the command a moment to tidy up, and its exit code counts', async () => {
    const stop = new AbortController();
    const running = machine.run(
      ['sh', '-c', `trap 'echo tidied; exit 7' TERM; touch ready; while :; do sleep 0.05; done`],
      {
        signal: stop.signal,
      },
    );
    await until('it runs', () => existsSync(path.join(machine.needs.workspace, 'ready')));

    stop.abort();

    expect(await running).toMatchObject({ cancelled: true, exitCode: 7, stdout: 'tidied\n', leftBehind: [] });
  });

  test('a command that says nothing about SIGTERM ends by it', async () => {
    const result = await machine.run(['sleep', sleep], { timeoutMs: 500 });

    expect(result).toMatchObject({ timedOut: true, exitCode: 143 });
    expect(result.durationMs).toBeLessThan(4000);
  });

  test('is the end of everything in it, also of what hides from every signal', async () => {
    const script = `${DAEMON.replaceAll('300', sleep)} (trap "" TERM; touch ready; while :; do sleep ${sleep}; done)`;
    const stop = new AbortController();
    const running = machine.run(['sh', '-c', script], { signal: stop.signal, killGraceMs: 200 });
    await until('it runs', () => processesWith(sleep).length >= 3);

    stop.abort();

    expect(await running).toMatchObject({ cancelled: true, leftBehind: [] });
    expect(processesWith(sleep)).toEqual([]);
  });

  test('comes when the command ends, whatever it left in the background', async () => {
    const result = await machine.run(['sh', '-c', `${DAEMON.replaceAll('300', sleep)} sleep 0.2`]);

    expect(result.exitCode).toBe(0);
    expect(processesWith(sleep)).toEqual([]);
  });

  test('comes when the runner is killed', async () => {
    const launch = await machine.sandbox.wrap(
      ['sleep', sleep],
      { PATH: process.env['PATH'] ?? '' },
      machine.needs,
    );
    const script = `const [file, ...args] = ${JSON.stringify(launch.command)};
      require('node:child_process').spawn(file, args, { detached: true, stdio: 'ignore' });
      setInterval(() => undefined, 1000);`;
    const runner = execa(process.execPath, ['-e', script], { reject: false });
    // One is the runner, whose script names it; the others are bubblewrap's two and the command.
    await until('it runs', () => processesWith(sleep).length >= 4);

    runner.kill('SIGKILL');

    await until('all are gone', () => processesWith(sleep).length === 0);
  });
});
