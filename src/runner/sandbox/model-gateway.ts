import {
  createServer,
  type IncomingMessage,
  request as requestHttp,
  Agent,
  type ServerResponse,
} from 'node:http';
import { Agent as SecureAgent, request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../../lib/logger.ts';
import { hashSecret, matchesSecret } from '../../lib/secret.ts';
import type { MachineEnv } from '../agents/agent-environment.ts';
import { createUsageReader, estimateCostUsd, type ModelTokens } from './model-usage.ts';
import { listenOnSocket } from './listen-on-socket.ts';

/** Where the model is, and what it takes to be let in. */
export type ModelUpstream = {
  /** https or http; a path counts too. */
  baseUrl: string;
  /** Reached by a UNIX socket of the machine instead of by `baseUrl`'s host. */
  socketPath: string | null;
  /** The real credential as a header. */
  credential: { header: 'x-api-key' | 'authorization'; value: string };
};

export type ModelBudget = { maxCostUsd: number; maxRequests: number };

/** The only way from one run of an agent to its model. */
export type ModelGateway = {
  /** The socket, to be mounted in the sandbox. */
  socket: string;
  /** What went through so far, and whether a request was refused since the budget was gone. */
  facts(): { requests: number; tokens: ModelTokens; costUsd: number; isOverBudget: boolean };
  close(): Promise<void>;
};

export type ModelGatewayOptions = {
  upstream: ModelUpstream;
  /** What the agent has in place of the credential: worth nothing outside of this run. */
  token: string;
  budget: ModelBudget;
  /** Of the runner, whose proxy variables count for https. */
  machineEnv: MachineEnv;
  log: Pick<Logger, 'debug' | 'warn'>;
};

/** What an agent needs of the API. Batches are not here: they cost later, when nobody counts any more. */
const MODEL_PATHS = new Set(['/v1/messages', '/v1/messages/count_tokens']);
const GREETING_PATH = '/api/hello';
/** Our prices are estimates, and the agent counts too: only what is clearly too much is refused. */
const COST_SLACK = 1.5;
/** Belong to one connection (RFC 9110, 7.6.1), or are set anew here. */
const NOT_FORWARDED = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
]);

/**
 * Serves the Messages API on a UNIX socket: takes the token of the run, puts the real credential in its place, and passes requests on
 * and answers back as they come. Refuses other paths, other tokens, and everything once the budget is gone.
 */
export async function openModelGateway(options: ModelGatewayOptions): Promise<ModelGateway> {
  const { upstream, budget, log } = options;
  const tokenHash = hashSecret(options.token);
  const base = new URL(upstream.baseUrl);
  const isSecure = base.protocol === 'https:' && upstream.socketPath === null;
  const send = isSecure ? requestHttps : requestHttp;
  const agent = isSecure
    ? new SecureAgent({ keepAlive: true, proxyEnv: options.machineEnv })
    : new Agent({ keepAlive: true });
  const tokens: ModelTokens = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 };
  let requests = 0;
  let costUsd = 0;
  let isOverBudget = false;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://model.invalid');
    if (url.pathname === GREETING_PATH) return void response.writeHead(200).end();
    if (!matchesSecret(readToken(request), tokenHash)) {
      return refuse(response, 401, 'authentication_error', 'This is not the token of this run');
    }
    if (request.method !== 'POST' || !MODEL_PATHS.has(url.pathname)) {
      log.warn(
        { method: request.method, path: url.pathname.slice(0, 200) },
        'An agent asked its model for something else',
      );
      return refuse(response, 404, 'not_found_error', 'Only messages can be sent from here');
    }
    if (costUsd >= budget.maxCostUsd * COST_SLACK || requests >= budget.maxRequests) {
      isOverBudget = true;
      return refuse(response, 400, 'invalid_request_error', 'The budget of this run is used up');
    }
    requests += 1;
    await forward(request, response, `${url.pathname}${url.search}`);
  }

  async function forward(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const passedOn = send(
        {
          agent,
          method: 'POST',
          path: `${base.pathname.replace(/\/$/, '')}${path}`,
          headers: {
            ...pickHeaders(request),
            host: base.host,
            [upstream.credential.header]: upstream.credential.value,
          },
          ...(upstream.socketPath === null
            ? { hostname: base.hostname.replace(/^\[|\]$/g, ''), port: base.port }
            : { socketPath: upstream.socketPath }),
        },
        resolve,
      );
      passedOn.on('error', reject);
      // Whoever doesn't wait any more shall not go on costing.
      response.on('close', () => passedOn.destroy());
      pipeline(request, passedOn).catch(reject);
    });
    const reader = createUsageReader({ isStream: /event-stream/.test(answer.headers['content-type'] ?? '') });
    answer.on('data', (chunk: Buffer) => reader.push(chunk));
    response.writeHead(answer.statusCode ?? 502, toAnswerHeaders(answer));
    try {
      await pipeline(answer, response);
    } finally {
      count(reader.end());
    }
  }

  function count(used: { model: string | null; tokens: ModelTokens }): void {
    tokens.input += used.tokens.input;
    tokens.output += used.tokens.output;
    tokens.cacheWrite += used.tokens.cacheWrite;
    tokens.cacheRead += used.tokens.cacheRead;
    costUsd += estimateCostUsd(used.model, used.tokens);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: NodeJS.ErrnoException) => {
      log.warn({ code: error.code ?? error.name }, 'A request of an agent to its model did not get through');
      if (response.headersSent) response.destroy();
      else refuse(response, 502, 'api_error', `The model can not be reached (${error.code ?? error.name})`);
    });
  });
  // A model may think for as long as the agent lets it.
  server.requestTimeout = 0;
  const listening = await listenOnSocket(server);
  return {
    socket: listening.socket,
    facts: () => ({ requests, tokens: { ...tokens }, costUsd, isOverBudget }),
    close: async () => {
      await listening.close();
      agent.destroy();
      log.debug({ requests, tokens, costUsd }, 'What an agent asked its model for');
    },
  };
}

function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: { type, message } }));
}

function readToken({ headers }: IncomingMessage): string {
  const key = headers['x-api-key'];
  if (typeof key === 'string') return key;
  return headers.authorization?.replace(/^Bearer /i, '') ?? '';
}

function pickHeaders({ headers }: IncomingMessage): Record<string, string | string[]> {
  const picked: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_FORWARDED.has(name)) picked[name] = value;
  }
  return picked;
}

function toAnswerHeaders({ headers }: IncomingMessage): Record<string, string | string[]> {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...rest } = headers;
  return Object.fromEntries(Object.entries(rest).filter((entry) => entry[1] !== undefined)) as Record<
    string,
    string | string[]
  >;
}
