import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MessagesApi, ModelTurn, RecordedRequest } from './messages-api.ts';

type SaidTurn = Extract<ModelTurn, { say?: string }>;
type Api = {
  isTurn(path: string): boolean;
  /** The answer as events of a stream, the last of which alone is enough for whoever asked for none. */
  answer(turn: SaidTurn, request: RecordedRequest): { event: string | null; data: object }[];
  refuse(error: { status: number; type: string; message: string }): object;
};

/** 1,000 tokens in, of which 400 were cached, and 100 out, for each turn. */
export const MODEL_USAGE = { input: 1000, cached: 400, output: 100 };

const OPENAI: Api = {
  isTurn: (path) => path.endsWith('/responses'),
  answer: (turn, request) => {
    const { model } = JSON.parse(request.body) as { model: string };
    const id = `resp_${randomUUID()}`;
    const output = [
      ...(turn.say === undefined
        ? []
        : [
            {
              type: 'message',
              role: 'assistant',
              id: `msg_${randomUUID()}`,
              status: 'completed',
              content: [{ type: 'output_text', text: turn.say, annotations: [] }],
            },
          ]),
      ...(turn.use ?? []).map(({ tool, input }) => ({
        type: 'function_call',
        id: `fc_${randomUUID()}`,
        status: 'completed',
        call_id: `call_${randomUUID()}`,
        name: tool,
        arguments: JSON.stringify(input),
      })),
    ];
    const usage = {
      input_tokens: MODEL_USAGE.input,
      input_tokens_details: { cached_tokens: MODEL_USAGE.cached },
      output_tokens: MODEL_USAGE.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: MODEL_USAGE.input + MODEL_USAGE.output,
    };
    const response = { id, object: 'response', model, status: 'completed', output, usage };
    return [
      { event: 'response.created', data: { response: { id, model, status: 'in_progress', output: [] } } },
      ...output.map((item, output_index) => ({
        event: 'response.output_item.done',
        data: { output_index, item },
      })),
      { event: 'response.completed', data: { response } },
    ].map(({ event, data }) => ({ event, data: { type: event, ...data } }));
  },
  refuse: ({ type, message }) => ({ error: { message, type, code: type, param: null } }),
};

const GEMINI: Api = {
  isTurn: (path) => /:(stream)?generateContent$/i.test(path),
  answer: (turn, request) => {
    const modelVersion = /models\/([^:]+):/.exec(request.path)?.[1];
    const parts = [
      ...(turn.say === undefined ? [] : [{ text: turn.say }]),
      ...(turn.use ?? []).map(({ tool, input }) => ({ functionCall: { name: tool, args: input } })),
    ];
    return [
      {
        event: null,
        data: {
          candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
          usageMetadata: {
            promptTokenCount: MODEL_USAGE.input,
            cachedContentTokenCount: MODEL_USAGE.cached,
            candidatesTokenCount: MODEL_USAGE.output,
            totalTokenCount: MODEL_USAGE.input + MODEL_USAGE.output,
          },
          modelVersion,
        },
      },
    ];
  },
  refuse: ({ status, type, message }) => ({
    error: {
      code: status,
      message,
      // A wrong key is one more mistake of the question, but for the details.
      status: status === 400 ? 'INVALID_ARGUMENT' : type,
      details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: type }],
    },
  }),
};

/**
 * A stand-in for OpenAI's Responses API or Gemini's on loopback, scripted as `startMessagesApi` is. Streams when it is asked to.
 */
export async function startModelApi(
  name: 'openai' | 'gemini',
  script: ModelTurn[] | ((request: RecordedRequest, index: number) => ModelTurn),
): Promise<MessagesApi> {
  const api = name === 'openai' ? OPENAI : GEMINI;
  const requests: RecordedRequest[] = [];
  let asked = 0;
  const isTurn = ({ method, path }: RecordedRequest): boolean => method === 'POST' && api.isTurn(path);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '', 'http://model.invalid');
    const recorded = {
      method: request.method ?? '',
      path: url.pathname,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    requests.push(recorded);
    if (!isTurn(recorded)) return void response.writeHead(404).end();
    const index = asked;
    asked += 1;
    const turn = (typeof script === 'function' ? script(recorded, index) : script[index]) ?? {
      say: 'All done.',
    };
    if ('hang' in turn) return;
    if ('error' in turn) {
      response.writeHead(turn.error.status, { 'content-type': 'application/json', ...turn.error.headers });
      response.end(JSON.stringify(api.refuse(turn.error)));
      return;
    }
    const isStream = url.searchParams.get('alt') === 'sse' || /"stream":\s*true/.test(recorded.body);
    const events = api.answer(turn, recorded);
    response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
    if (!isStream) {
      const last = events.at(-1)?.data ?? {};
      return void response.end(JSON.stringify('response' in last ? last.response : last));
    }
    for (const { event, data } of events) {
      response.write(`${event === null ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
    }
    response.end();
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
