import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { until } from './until.ts';

/** Why there is no Redis here; `null` where there is one. */
export function whyNoRedis(): string | null {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'there is no redis-server on PATH';
  }
}

/** A real Redis with a password that keeps nothing on disk; gone on disposal. */
export async function startRedis(port?: number) {
  const own = port ?? (await findPort());
  const password = 'redis-secret-4711';
  const child = spawn(
    'redis-server',
    [
      '--port',
      String(own),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--requirepass',
      password,
    ],
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const url = `redis://:${password}@127.0.0.1:${own}`;
  await until('Redis answers', async () => {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.ping()) === 'PONG';
    } catch {
      return false;
    } finally {
      client.disconnect();
    }
  });
  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await exited;
  }
  return { url, password, port: own, stop, [Symbol.asyncDispose]: stop };
}

async function findPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}
