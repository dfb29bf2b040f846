import {
  Agent,
  createServer,
  type IncomingMessage,
  request as requestHttp,
  type ServerResponse,
} from 'node:http';
import type { LookupAddress } from 'node:dns';
import { lookup as lookUpAddresses } from 'node:dns/promises';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isAllowedHost } from '../../domain/host-patterns.ts';
import type { MachineEnv } from '../agents/agent-environment.ts';
import { listenOnSocket } from './listen-on-socket.ts';
import { isPublicAddress } from './public-address.ts';

/** The only way from a sandbox to the network, but for that to the model. */
export type RegistryProxy = {
  /** The socket, for `NetworkAccess`. */
  socket: string;
  /** `host:port` of what was refused, each once, in order. */
  refused(): string[];
  close(): Promise<void>;
};

/** `not_public`: it may be reached by its name, but that leads into a network of the machine's own, or nowhere. */
export type ProxyRefusal = 'not_named' | 'not_public';

export type RegistryProxyOptions = {
  /** Entries as `isAllowedHost` takes them, by the machine's owner: wherever they lead. */
  hosts: readonly string[];
  /** Entries by others: only where they lead to public addresses. */
  publicHosts?: readonly string[];
  /** Of the runner: where it has a proxy itself, that one is used. */
  machineEnv: MachineEnv;
  /** Told at the first refusal of each. */
  onRefused(target: string, why: ProxyRefusal): void;
  /** Opens a connection to a host that is allowed; with `lookup` to the addresses that were looked at. */
  connect?: (port: number, host: string, lookup?: LookupFunction) => Socket;
  lookUp?: (host: string) => Promise<LookupAddress[]>;
};

/**
 * An HTTP proxy on a UNIX socket that lets connections through to the hosts it was given, and to no others. What goes through is
 * encrypted (CONNECT) and not looked at; plain http is passed on too.
 */
export async function openRegistryProxy(options: RegistryProxyOptions): Promise<RegistryProxy> {
  const { hosts, publicHosts = [], machineEnv, connect = connectTo, lookUp = lookUpAll } = options;
  const refused = new Set<string>();
  const agent = new Agent({ proxyEnv: machineEnv });

  function refuse(host: string, port: number, why: ProxyRefusal): 'refused' {
    const target = `${host.slice(0, 253)}:${port}`;
    if (!refused.has(target) && refused.size < MAX_REFUSED) {
      refused.add(target);
      options.onRefused(target, why);
    }
    return 'refused';
  }

  /** How to get to a host: `pinned` to the addresses that were looked at, so that they can't be others a moment later. */
  async function judge(host: string, port: number): Promise<'refused' | { pinned: LookupFunction | null }> {
    if (isAllowedHost(host, port, hosts)) return { pinned: null };
    if (!isAllowedHost(host, port, publicHosts)) return refuse(host, port, 'not_named');
    // A name that leads nowhere from here may lead anywhere by the machine's own proxy.
    const found = await lookUp(host).catch(() => []);
    const arePublic = found.length > 0 && found.every(({ address }) => isPublicAddress(address));
    return arePublic ? { pinned: pinTo(found) } : refuse(host, port, 'not_public');
  }

  async function tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const target = parseTarget(request.url ?? '');
    const verdict = target === null ? 'refused' : await judge(target.host, target.port);
    if (target === null || verdict === 'refused') {
      client.end(`HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n\r\n${REFUSAL}`);
      return;
    }
    const proxy = findProxy(machineEnv, 'https', target.host);
    const server =
      proxy === null
        ? await reach(connect(target.port, target.host, verdict.pinned ?? undefined))
        : await tunnelThrough(proxy, `${target.host}:${target.port}`);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    server.write(head);
    await Promise.all([pipeline(client, server), pipeline(server, client)]);
  }

  async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '');
    const isPlain = url !== null && url.protocol === 'http:';
    const verdict = isPlain ? await judge(url.hostname, Number(url.port || 80)) : 'refused';
    if (url === null || verdict === 'refused') {
      response.writeHead(403, { 'content-type': 'text/plain' }).end(REFUSAL);
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = request.headers;
      // With a proxy of the machine's own it is that one's name that is looked up.
      const isDirect = findProxy(machineEnv, 'http', url.hostname) === null;
      const lookup = verdict.pinned === null || !isDirect ? {} : { lookup: verdict.pinned };
      const passedOn = requestHttp(url, { agent, method: request.method, headers, ...lookup }, resolve);
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

const REFUSAL = 'The sandbox of this runner does not lead there; the log of the attempt tells why.\n';
/** Who tries more is not looking for packages. */
const MAX_REFUSED = 50;

function connectTo(port: number, host: string, lookup?: LookupFunction): Socket {
  return connectTcp({ port, host, ...(lookup === undefined ? {} : { lookup }) });
}

function lookUpAll(host: string): Promise<LookupAddress[]> {
  return lookUpAddresses(host, { all: true });
}

function pinTo(found: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, done) => {
    const [first] = found;
    if (all === true || first === undefined) done(null, [...found]);
    else done(null, first.address, first.family);
  };
}

function parseTarget(text: string): { host: string; port: number } | null {
  const match = /^([a-z0-9.-]{1,253}):(\d{1,5})$/i.exec(text);
  return match?.[1] === undefined ? null : { host: match[1], port: Number(match[2]) };
}

/** The machine's own way out, if it has one for this host. */
function findProxy(env: MachineEnv, scheme: 'http' | 'https', host: string): URL | null {
  const text = env[`${scheme}_proxy`] ?? env[`${scheme.toUpperCase()}_PROXY`] ?? '';
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
