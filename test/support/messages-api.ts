import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the model does when it is asked: says something and uses tools, or the service fails, or never answers. */
export type ModelTurn =
  | { say?: string; use?: { tool: string; input: Record<string, unknown> }[]; stopReason?: string }
  | { error: { status: number; type: string; message: string; headers?: Record<string, string> } }
  | { hang: true };

export type RecordedRequest = {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
};

export type MessagesApi = {
  url: string;
  /** Everything that was asked, the model's turns and whatever else. */
  requests: RecordedRequest[];
  /** Only the turns: `POST /v1/messages`. */
  turns(): RecordedRequest[];
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const USAGE = { input_tokens: 1000, output_tokens: 100 };

/**
 * A stand-in for Anthropic's Messages API on loopback: one turn of `script` for each `POST /v1/messages`, streamed or
 * not, as asked. After the last turn, or with an empty script, the model says that it is done. A function as script
 * sees the request and its number, from 0.
 */
export async function startMessagesApi(
  script: ModelTurn[] | ((request: RecordedRequest, index: number) => ModelTurn),
): Promise<MessagesApi> {
  const requests: RecordedRequest[] = [];
  let asked = 0;

  function nextTurn(request: RecordedRequest): ModelTurn {
    const index = asked;
    asked += 1;
    return (typeof script === 'function' ? script(request, index) : script[index]) ?? { say: 'All done.' };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const recorded = {
      method: request.method ?? '',
      path: new URL(request.url ?? '/', 'http://model.invalid').pathname,
      headers: request.headers,
      body,
    };
    requests.push(recorded);
    if (!isTurn(recorded)) {
      response.writeHead(recorded.method === 'HEAD' ? 200 : 404).end();
      return;
    }
    sendTurn(nextTurn(recorded), JSON.parse(body) as { model: string; stream?: boolean }, response);
  }

  const server = createServer((request, response) => {
    // A client that was killed in the middle of its request needs no answer.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  async function stop(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    turns: () => requests.filter(isTurn),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function isTurn({ method, path }: RecordedRequest): boolean {
  return method === 'POST' && path === '/v1/messages';
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function sendTurn(
  turn: ModelTurn,
  asked: { model: string; stream?: boolean },
  response: ServerResponse,
): void {
  if ('hang' in turn) return;
  if ('error' in turn) {
    const { status, type, message, headers } = turn.error;
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_test', ...headers });
    response.end(JSON.stringify({ type: 'error', error: { type, message } }));
    return;
  }
  const content = contentOf(turn);
  const stopReason = turn.stopReason ?? (turn.use?.length ? 'tool_use' : 'end_turn');
  const message = {
    id: `msg_${randomUUID().replaceAll('-', '')}`,
    type: 'message',
    role: 'assistant',
    model: asked.model,
    stop_sequence: null,
  };
  if (!asked.stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...message, content, stop_reason: stopReason, usage: USAGE }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  send('message_start', {
    message: { ...message, content: [], stop_reason: null, usage: { ...USAGE, output_tokens: 1 } },
  });
  for (const [index, block] of content.entries()) sendBlock(index, block, send);
  send('message_delta', {
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: USAGE.output_tokens },
  });
  send('message_stop', {});
  response.end();
}

type Block =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

function contentOf(turn: {
  say?: string;
  use?: { tool: string; input: Record<string, unknown> }[];
}): Block[] {
  const uses = (turn.use ?? []).map(({ tool, input }): Block => ({
    type: 'tool_use',
    id: `toolu_${randomUUID().replaceAll('-', '')}`,
    name: tool,
    input,
  }));
  return turn.say === undefined ? uses : [{ type: 'text', text: turn.say }, ...uses];
}

function sendBlock(index: number, block: Block, send: (type: string, data: object) => void): void {
  const empty = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
  const delta =
    block.type === 'text'
      ? { type: 'text_delta', text: block.text }
      : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
  send('content_block_start', { index, content_block: empty });
  send('content_block_delta', { index, delta });
  send('content_block_stop', { index });
}
