import { createServer, request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SANDBOX_MODEL_URL } from '../../../src/runner/sandbox/launch.ts';
import { openRegistryProxy, type RegistryProxy } from '../../../src/runner/sandbox/registry-proxy.ts';
import { makeSandboxedMachine, whyNoSandbox } from '../../support/sandboxed.ts';

/** Greets whoever connects; stands for every host that is allowed. */
let registry: Server;
let port: number;
let refusals: string[];
beforeEach(async () => {
  registry = createTcpServer((socket) => socket.end('hello from the registry'));
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  ({ port } = registry.address() as AddressInfo);
  refusals = [];
});
afterEach(() => registry.close());

async function open(machineEnv: Record<string, string> = {}): Promise<RegistryProxy & AsyncDisposable> {
  const proxy = await openRegistryProxy({
    hosts: ['packages.example.com'],
    machineEnv,
    onRefused: (target) => refusals.push(target),
    connect: () => connect(port, '127.0.0.1'),
  });
  return { ...proxy, [Symbol.asyncDispose]: proxy.close };
}

/** What comes through a tunnel to `target`; the status when there is none. */
function tunnel(proxy: RegistryProxy, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: proxy.socket, method: 'CONNECT', path: target });
    asked.on('connect', (response, socket, head) => {
      if (response.statusCode !== 200) return resolve(String(response.statusCode));
      let text = head.toString();
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('leads to what is allowed, and nowhere else', async () => {
  await using proxy = await open();

  expect(await tunnel(proxy, 'packages.example.com:443')).toBe('hello from the registry');
  for (const target of [
    'evil.example.com:443',
    'packages.example.com:22',
    '127.0.0.1:80',
    'evil.example.com:443',
  ]) {
    expect(await tunnel(proxy, target)).toBe('403');
  }
  expect(await tunnel(proxy, 'nonsense')).toBe('403');
  expect(refusals).toEqual(['evil.example.com:443', 'packages.example.com:22', '127.0.0.1:80']);
  expect(proxy.refused()).toEqual(refusals);
});

test('plain http is held to the same list', async () => {
  await using proxy = await open();

  const status = await new Promise((resolve, reject) => {
    request({ socketPath: proxy.socket, path: 'http://169.254.169.254/latest/meta-data' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

  expect(status).toBe(403);
  expect(refusals).toEqual(['169.254.169.254:80']);
});

describe('a host that a repository names', () => {
  const ADDRESSES: Readonly<Record<string, string[]>> = {
    'api.example.org': ['140.82.112.3', '2606:50c0:8000::153'],
    'metadata.example.org': ['169.254.169.254'],
    'half.example.org': ['140.82.112.3', '10.0.0.7'],
  };
  let pinned: unknown;

  async function openFor(machineEnv: Record<string, string> = {}): Promise<RegistryProxy & AsyncDisposable> {
    const proxy = await openRegistryProxy({
      hosts: [],
      publicHosts: ['*.example.org'],
      machineEnv,
      onRefused: (target, why) => refusals.push(`${target} ${why}`),
      lookUp: async (host) => {
        const found = ADDRESSES[host];
        if (found === undefined) throw new Error('ENOTFOUND');
        return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      },
      connect: (_port, host, lookup) => {
        lookup?.(host, { all: true }, (_error, addresses) => (pinned = addresses));
        return connect(port, '127.0.0.1');
      },
    });
    return { ...proxy, [Symbol.asyncDispose]: proxy.close };
  }

  test('is reached where it is public, at the addresses that were looked at', async () => {
    await using proxy = await openFor();

    expect(await tunnel(proxy, 'api.example.org:443')).toBe('hello from the registry');
    expect(pinned).toEqual([
      { address: '140.82.112.3', family: 4 },
      { address: '2606:50c0:8000::153', family: 6 },
    ]);
  });

  test('is not where any of its addresses belongs to the machine’s own network, or none is known', async () => {
    await using proxy = await openFor({ HTTPS_PROXY: 'http://127.0.0.1:1' });

    for (const host of ['metadata.example.org', 'half.example.org', 'nowhere.example.org']) {
      expect(await tunnel(proxy, `${host}:443`)).toBe('403');
    }
    expect(refusals).toEqual([
      'metadata.example.org:443 not_public',
      'half.example.org:443 not_public',
      'nowhere.example.org:443 not_public',
    ]);
  });
});

test('goes by the proxy of the machine where there is one', async () => {
  const asked: unknown[] = [];
  const upstream = createServer();
  upstream.on('connect', (request, socket) => {
    asked.push([request.url, request.headers['proxy-authorization']]);
    socket.end('HTTP/1.1 200 OK\r\n\r\nhello from afar');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const address = upstream.address() as AddressInfo;
  await using proxy = await open({ HTTPS_PROXY: `http://me:pass@127.0.0.1:${address.port}` });

  expect(await tunnel(proxy, 'packages.example.com:443')).toBe('hello from afar');

  upstream.close();
  expect(asked).toEqual([['packages.example.com:443', `Basic ${btoa('me:pass')}`]]);
});

describe.skipIf((await whyNoSandbox()) !== null)('from inside a sandbox', () => {
  const CONNECT = `
    const { hostname, port } = new URL(process.env.HTTPS_PROXY);
    const asked = require('node:http').request({ host: hostname, port, method: 'CONNECT', path: process.argv[1] });
    asked.on('connect', (response, socket, head) => {
      process.stdout.write(response.statusCode + ' ' + head);
      socket.pipe(process.stdout);
      socket.on('end', () => process.exit(3));
    });
    asked.end();`;

  test('the proxy is where the variables say, and the command’s exit code comes through', async () => {
    await using proxy = await open();
    await using machine = await makeSandboxedMachine();
    const network = { proxySocket: proxy.socket };

    const allowed = await machine.run(['node', '-e', CONNECT, 'packages.example.com:443'], { network });
    const refused = await machine.run(['node', '-e', CONNECT, 'evil.example.com:443'], { network });
    // As Java is told, which knows no such variables.
    const forJava = `Object.fromEntries(process.env.JAVA_TOOL_OPTIONS.matchAll(/-Dhttps\\.proxy(?:(Host)|Port)=(\\S+)/g).map(([, isHost, value]) => [isHost ? 'hostname' : 'port', value]))`;
    const byJava = CONNECT.replace('new URL(process.env.HTTPS_PROXY)', forJava);
    const asJava = await machine.run(['node', '-e', byJava, 'packages.example.com:443'], { network });

    expect(allowed).toMatchObject({ exitCode: 3, stdout: '200 hello from the registry' });
    expect(asJava).toMatchObject({ exitCode: 3, stdout: '200 hello from the registry' });
    expect(refused.stdout).toMatch(/^403 /);
    expect(refusals).toEqual(['evil.example.com:443']);
  });

  test('a model can be reached beside it', async () => {
    await using proxy = await open();
    await using other = await open();
    await using machine = await makeSandboxedMachine();
    const network = { proxySocket: proxy.socket, modelSocket: other.socket };
    const asModel = CONNECT.replace('new URL(process.env.HTTPS_PROXY)', `new URL('${SANDBOX_MODEL_URL}')`);

    const byProxy = await machine.run(['node', '-e', CONNECT, 'packages.example.com:443'], { network });
    const byModel = await machine.run(['node', '-e', asModel, 'only-the-model.example:443'], { network });

    expect(byProxy.stdout).toBe('200 hello from the registry');
    expect(byModel.stdout).toMatch(/^403 /);
    expect([proxy.refused(), other.refused()]).toEqual([[], ['only-the-model.example:443']]);
  });

  test('without the proxy nothing is reached, and a program that is not there is said', async () => {
    await using proxy = await open();
    await using machine = await makeSandboxedMachine();
    const network = { proxySocket: proxy.socket };

    const [direct] = await machine.tryAll([{ do: 'connect', host: '127.0.0.1', port }], { network });
    const missing = await machine.run(['no-such-program'], { network });

    expect(direct).toBe('ECONNREFUSED');
    expect(missing).toMatchObject({ exitCode: 127 });
    expect(missing.outputTail).toContain('no-such-program could not be started');
  });

  test('SIGTERM reaches the command, not only what stands before it', async () => {
    await using proxy = await open();
    await using machine = await makeSandboxedMachine();

    const result = await machine.run(
      ['sh', '-c', "trap 'echo tidied; exit 5' TERM; while :; do sleep 0.05; done"],
      {
        network: { proxySocket: proxy.socket },
        timeoutMs: 700,
      },
    );

    expect(result).toMatchObject({ timedOut: true, exitCode: 5, stdout: 'tidied\n' });
  });
});
