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
import { listenOnLoopback, listenOnSocket } from './listen-on-socket.ts';
import { MODEL_APIS, type ModelApiName, type ModelTokens, readKey, readModelError } from './model-apis.ts';
import { createUsageReader, estimateCostUsd, hasKnownPrice, type ModelPrice } from './model-usage.ts';

/** Where the model is, and what it takes to be let in. */
export type ModelUpstream = {
  /** `anthropic` where nothing is said. */
  api?: ModelApiName;
  /** https or http; a path counts too. */
  baseUrl: string;
  /** Reached by a UNIX socket of the machine instead of by `baseUrl`'s host. */
  socketPath: string | null;
  /** The real credential as a header. */
  credential: { header: string; value: string };
};

export type ModelBudget = {
  maxCostUsd: number;
  /** Also of those that failed. */
  maxRequests: number;
  /** Answers of the model, where the agent doesn't count its turns by itself. */
  maxTurns?: number;
};

/** Why the service didn't answer a question. */
export type ModelFailure = {
  /** `null` = it could not be reached, or the connection broke. */
  status: number | null;
  /** The service's names for it, such as `insufficient_quota`; '' and others are possible. */
  names: readonly string[];
  /** The service's words, or the code of the connection's error. Hostile text. */
  message: string;
};

/** What went through so far. */
export type ModelFacts = {
  requests: number;
  /** Questions that the model answered. */
  turns: number;
  tokens: ModelTokens;
  /** By the configured price, or an estimate to stop by. */
  costUsd: number;
  /** Whether `costUsd` rests on prices that are known, so that people may be told. */
  isPriced: boolean;
  /** The model that answered last. */
  model: string | null;
  /** A request was refused since this was used up; `null` = none was. */
  exhausted: 'turns' | 'budget' | null;
  isOverBudget: boolean;
  /** Why the last question failed; `null` once one is answered. */
  failure: ModelFailure | null;
  /** Failed questions since the last answer. */
  failuresInARow: number;
};

/** The only way from one run of an agent to its model. */
export type ModelGateway = {
  /** The socket, to be mounted in the sandbox; '' where it listens on loopback. */
  socket: string;
  /** On loopback: where. */
  port: number | null;
  facts(): ModelFacts;
  close(): Promise<void>;
};

export type ModelGatewayOptions = {
  upstream: ModelUpstream;
  /** What the agent has in place of the credential: worth nothing outside of this run. */
  token: string;
  budget: ModelBudget;
  /** Of the model, where the operator knows it better. */
  price?: ModelPrice | null;
  /** `loopback`: a port of 127.0.0.1, for an agent that shares the runner's network. A socket otherwise. */
  listen?: 'socket' | 'loopback';
  /** Told whenever a question failed, or was refused. */
  onTrouble?(facts: ModelFacts): void;
  /** Of the runner, whose proxy variables count for https. */
  machineEnv: MachineEnv;
  log: Pick<Logger, 'debug' | 'warn'>;
};

/** Our prices are estimates, and the agent counts too: only what is clearly too much is refused. */
const COST_SLACK = 1.5;
/** Belong to one connection (RFC 9110, 7.6.1), or are set anew here. */
const NOT_FORWARDED = new Set([
  'accept-encoding',
  'connection',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Of the body of a failure. */
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Serves one API on a UNIX socket or on loopback: takes the token of the run, puts the real credential in its place, and passes requests on
 * and answers back as they come. Refuses other paths, other tokens, and everything once the budget is gone.
 */
export async function openModelGateway(options: ModelGatewayOptions): Promise<ModelGateway> {
  const { upstream, budget, log, price = null } = options;
  const api = MODEL_APIS[upstream.api ?? 'anthropic'];
  const tokenHash = hashSecret(options.token);
  const base = new URL(upstream.baseUrl);
  const isSecure = base.protocol === 'https:' && upstream.socketPath === null;
  const send = isSecure ? requestHttps : requestHttp;
  const agent = isSecure
    ? new SecureAgent({ keepAlive: true, proxyEnv: options.machineEnv })
    : new Agent({ keepAlive: true });
  const tokens: ModelTokens = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 };
  let requests = 0;
  let turns = 0;
  let costUsd = 0;
  let isPriced = true;
  let model: string | null = null;
  let exhausted: ModelFacts['exhausted'] = null;
  let failure: ModelFailure | null = null;
  let failuresInARow = 0;

  function facts(): ModelFacts {
    return {
      requests,
      turns,
      tokens: { ...tokens },
      costUsd,
      isPriced,
      model,
      exhausted,
      isOverBudget: exhausted !== null,
      failure,
      failuresInARow,
    };
  }

  function fail(why: ModelFailure): void {
    failure = why;
    failuresInARow += 1;
    options.onTrouble?.(facts());
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://model.invalid');
    if (url.pathname === api.greetingPath) return void response.writeHead(200).end();
    if (!matchesSecret(readKey(api, request.headers), tokenHash)) {
      return refuse(response, 401, 'authentication_error', 'This is not the token of this run');
    }
    const kind = request.method === 'POST' ? api.judgePath(url.pathname) : null;
    if (kind === null) {
      log.warn(
        { method: request.method, path: url.pathname.slice(0, 200) },
        'An agent asked its model for something else',
      );
      return refuse(response, 404, 'not_found_error', 'Only messages can be sent from here');
    }
    const usedUp = findUsedUp();
    if (usedUp !== null) {
      exhausted = usedUp;
      refuse(response, 400, 'invalid_request_error', `The ${usedUp} of this run is used up`);
      options.onTrouble?.(facts());
      return;
    }
    requests += 1;
    // A key in the address would be one more way to say whose account it is.
    url.searchParams.delete('key');
    await forward(request, response, `${url.pathname}${url.search}`, kind);
  }

  function findUsedUp(): ModelFacts['exhausted'] {
    if (turns >= (budget.maxTurns ?? Infinity)) return 'turns';
    return costUsd >= budget.maxCostUsd * COST_SLACK || requests >= budget.maxRequests ? 'budget' : null;
  }

  async function forward(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    kind: 'turn' | 'free',
  ): Promise<void> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const passedOn = send(
        {
          agent,
          method: 'POST',
          path: `${base.pathname.replace(/\/$/, '')}${path}`,
          headers: {
            ...pickHeaders(request, api.keyHeaders),
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
    const status = answer.statusCode ?? 502;
    response.writeHead(status, toAnswerHeaders(answer));
    if (status >= 400) {
      const body = readBeginning(answer);
      await pipeline(answer, response).finally(() => {
        if (kind === 'turn') fail({ status, ...readModelError(body()) });
      });
      return;
    }
    const isStream = /event-stream/.test(answer.headers['content-type'] ?? '');
    const reader = createUsageReader({ isStream, api });
    answer.on('data', (chunk: Buffer) => reader.push(chunk));
    try {
      await pipeline(answer, response);
    } finally {
      if (kind === 'turn') count(reader.end());
    }
  }

  function count(used: { model: string | null; tokens: ModelTokens }): void {
    turns += 1;
    failure = null;
    failuresInARow = 0;
    model = used.model ?? model;
    tokens.input += used.tokens.input;
    tokens.output += used.tokens.output;
    tokens.cacheWrite += used.tokens.cacheWrite;
    tokens.cacheRead += used.tokens.cacheRead;
    costUsd += estimateCostUsd(used.model, used.tokens, price);
    isPriced &&= price !== null || hasKnownPrice(used.model);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.name;
      log.warn({ code }, 'A request of an agent to its model did not get through');
      // Whoever hung up needs no answer, and has not seen a failure.
      if (!response.destroyed) fail({ status: null, names: [], message: code });
      if (response.headersSent) response.destroy();
      else refuse(response, 502, 'api_error', `The model can not be reached (${code})`);
    });
  });
  // A model may think for as long as the agent lets it.
  server.requestTimeout = 0;
  const listening = await (options.listen === 'loopback' ? listenOnLoopback(server) : listenOnSocket(server));
  return {
    socket: listening.socket,
    port: listening.port,
    facts,
    close: async () => {
      await listening.close();
      agent.destroy();
      log.debug({ requests, tokens, costUsd }, 'What an agent asked its model for');
    },
  };

  function refuse(response: ServerResponse, status: number, type: string, message: string): void {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(api.toRefusal({ status, type, message })));
  }
}

function pickHeaders(
  { headers }: IncomingMessage,
  keyHeaders: readonly string[],
): Record<string, string | string[]> {
  const picked: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_FORWARDED.has(name) && !keyHeaders.includes(name)) picked[name] = value;
  }
  return picked;
}

/** Keeps the first part of an answer as it passes. */
function readBeginning(answer: IncomingMessage): () => string {
  const pieces: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    if (bytes < MAX_ERROR_BYTES) pieces.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(pieces).toString('utf8');
}

function toAnswerHeaders({ headers }: IncomingMessage): Record<string, string | string[]> {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...rest } = headers;
  return Object.fromEntries(Object.entries(rest).filter((entry) => entry[1] !== undefined)) as Record<
    string,
    string | string[]
  >;
}
