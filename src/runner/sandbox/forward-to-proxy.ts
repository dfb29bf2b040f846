/**
 * Runs inside a sandbox, in front of a command: `node forward-to-proxy <port>=<socket>[,…] <program> [argument…]`. Listens on the sandbox's
 * own loopback, hands every connection on to the runner's socket of that port, and ends as the command ends. Imports nothing of ours: this one file is
 * all that the sandbox sees of the runner. Has no types, so that Node need not strip them at each start, which takes longer than all else.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import process from 'node:process';

const [ways = '', program = '', ...args] = process.argv.slice(2);

// The signal goes to the whole process group: the command decides what it means.
process.on('SIGTERM', () => undefined);

await Promise.all(
  ways.split(',').map((way) => {
    const [port, socket = ''] = way.split('=');
    const server = createServer((client) => {
      const proxy = connect(socket);
      client.pipe(proxy).pipe(client);
      client.on('error', () => proxy.destroy());
      proxy.on('error', () => client.destroy());
    });
    return new Promise((resolve) => server.listen(Number(port), '127.0.0.1', () => resolve(null)));
  }),
);

const child = spawn(program, args, { stdio: 'inherit' });
child.on('error', (error) => {
  process.stderr.write(`${program} could not be started: ${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
});
