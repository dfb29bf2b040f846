import {
  Agent,
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type ServerResponse,
} from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MachineEnv } from '../agents/agent-environment.ts';
import { isAllowedHost } from './registry-hosts.ts';
import { listenOnSocket } from './listen-on-socket.ts';

/** The only way from set-up and tests to the network. */
export type RegistryProxy = {
  /** The socket, for `NetworkAccess`. */
  socket: string;
  /** `host:port` of what was refused, each once, in order. */
  refused(): string[];
  close(): Promise<void>;
};

export type RegistryProxyOptions = {
  /** Entries as `isAllowedHost` takes them. */
  hosts: readonly string[];
  /** Of the runner: where it has a proxy itself, that one is used. */
  machineEnv: MachineEnv;
  /** Told at the first refusal of each. */
  onRefused(target: string): void;
  /** Opens a connection to a host that is allowed. */
  connect?: (port: number, host: string) => Socket;
};

/**
 * An HTTP proxy on a UNIX socket that lets connections through to the hosts it was given, and to no others. What goes through is
 * encrypted (CONNECT) and not looked at; plain http is passed on too.
 */
export async function openRegistryProxy(options: RegistryProxyOptions): Promise<RegistryProxy> {
  const { hosts, machineEnv, connect = connectTcp } = options;
  const refused = new Set<string>();
  const agent = new Agent({ proxyEnv: machineEnv });

  function isRefused(host: string, port: number): boolean {
    if (isAllowedHost(host, port, hosts)) return false;
    const target = `${host.slice(0, 253)}:${port}`;
    if (!refused.has(target) && refused.size < MAX_REFUSED) {
      refused.add(target);
      options.onRefused(target);
    }
    return true;
  }

  async function tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const target = parseTarget(request.url ?? '');
    if (target === null || isRefused(target.host, target.port)) {
      client.end(`HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n\r\n${REFUSAL}`);
      return;
    }
    const proxy = findProxy(machineEnv, target.host);
    const server =
      proxy === null
        ? await reach(connect(target.port, target.host))
        : await tunnelThrough(proxy, `${target.host}:${target.port}`);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    server.write(head);
    await Promise.all([pipeline(client, server), pipeline(server, client)]);
  }

  async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '');
    if (url === null || url.protocol !== 'http:' || isRefused(url.hostname, Number(url.port || 80))) {
      response.writeHead(403, { 'content-type': 'text/plain' }).end(REFUSAL);
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = request.headers;
      const passedOn = requestHttp(url, { agent, method: request.method, headers }, resolve);
      passedOn.on('error', reject);
      response.on('close', () => passedOn.destroy());
      pipeline(request, passedOn).catch(reject);
    });
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    await pipeline(answer, response);
  }

  const server = createServer((request, response) => {
    passOn(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    });
  });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => client.destroy());
    // Either side may hang up at any time, which ends the other: that is what proxies are there for.
    tunnel(request, client, head).catch(() => client.destroy());
  });
  const listening = await listenOnSocket(server);
  return {
    socket: listening.socket,
    refused: () => [...refused],
    close: async () => {
      await listening.close();
      agent.destroy();
    },
  };
}

const REFUSAL =
  'The sandbox of this runner does not lead there; sandbox.hosts in runner.yml names what may be reached.\n';
/** Who tries more is not looking for packages. */
const MAX_REFUSED = 50;

function parseTarget(text: string): { host: string; port: number } | null {
  const match = /^([a-z0-9.-]{1,253}):(\d{1,5})$/i.exec(text);
  return match?.[1] === undefined ? null : { host: match[1], port: Number(match[2]) };
}

/** The machine's own way out, if it has one for this host. */
function findProxy(env: MachineEnv, host: string): URL | null {
  const text = env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '';
  const exceptions = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(',').map((entry) => entry.trim());
  const isException = exceptions.some((entry) => {
    const name = entry.replace(/^\*?\./, '');
    return entry === '*' || (name !== '' && (host === name || host.endsWith(`.${name}`)));
  });
  return isException ? null : URL.parse(text);
}

function reach(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

function tunnelThrough(proxy: URL, target: string): Promise<Duplex> {
  const account = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = requestHttp({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: Number(proxy.port || 80),
    method: 'CONNECT',
    path: target,
    headers: {
      host: target,
      ...(account === ':'
        ? {}
        : { 'proxy-authorization': `Basic ${Buffer.from(account).toString('base64')}` }),
    },
  });
  return new Promise((resolve, reject) => {
    request.once('connect', (response, socket, head) => {
      socket.unshift(head);
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`The proxy of this machine answered ${response.statusCode}`));
    });
    request.once('error', reject);
    request.end();
  });
}
