import { PassThrough, type Readable } from 'node:stream';
import { z } from 'zod';
import { readJsonLine } from './read-json-line.ts';

export type RpcError = { code: number; message: string; data?: unknown };

/** What a method of ours is answered with. */
export type RpcAnswer = { result: unknown } | { error: RpcError };

/**
 * One side of JSON-RPC 2.0 in lines. Everything happens while a line is heard, so that whoever passes lines on sees at once what came of
 * each. What the other side sends is hostile: messages that are none, answers to nothing and repeated ones are passed over in silence.
 */
export type RpcPeer = {
  /** What is said to the other side. */
  output: Readable;
  hear(line: string): void;
  /** Calls back once, when it is answered. */
  ask(method: string, params: object, answered: (answer: RpcAnswer) => void): void;
  tell(method: string, params: object): void;
  /** Nothing more is said. */
  end(): void;
};

const METHOD_NOT_FOUND = -32_601;
const INVALID_REQUEST = -32_600;

const Id = z.union([z.string().max(200), z.number()]);
const Request = z.object({ id: Id, method: z.string(), params: z.unknown().optional() });
const Notice = z.object({ method: z.string(), params: z.unknown().optional() });
const Answer = z.object({
  id: z.number(),
  result: z.unknown().optional(),
  error: z
    .object({ code: z.number(), message: z.string().catch(''), data: z.unknown().optional() })
    .optional(),
});
/** Of what we have said and the other side has not read: whoever asks and never listens gets no more answers. */
const MAX_UNREAD_BYTES = 1024 ** 2;
/** The beginning of a request that was cut for its length. */
const CUT_REQUEST = /^\{"jsonrpc":"2\.0","id":(\d{1,15}),"method":"[\w/]{1,100}"/;

export function createRpcPeer(options: {
  /** A request of the other side; `null` = there is no such method. */
  onRequest(method: string, params: unknown): RpcAnswer | null;
  onNotice(method: string, params: unknown): void;
}): RpcPeer {
  const output = new PassThrough();
  const pending = new Map<number, (answer: RpcAnswer) => void>();
  let lastId = 0;

  function send(message: object): void {
    if (output.writable) output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  function reply(id: string | number, answer: RpcAnswer): void {
    if (output.writableLength < MAX_UNREAD_BYTES) send({ id, ...answer });
  }

  function hear(line: string): void {
    const message = readJsonLine(line);
    if (message === null) {
      const id = CUT_REQUEST.exec(line.slice(0, 300))?.[1];
      // Without an answer it would wait for ever.
      if (id !== undefined) reply(Number(id), { error: { code: INVALID_REQUEST, message: 'Too long' } });
      return;
    }
    const request = Request.safeParse(message).data;
    if (request !== undefined) {
      const answer = options.onRequest(request.method, request.params);
      reply(request.id, answer ?? NOT_FOUND);
      return;
    }
    const notice = Notice.safeParse(message).data;
    if (notice !== undefined) return options.onNotice(notice.method, notice.params);
    const answer = Answer.safeParse(message).data;
    const answered = answer === undefined ? undefined : pending.get(answer.id);
    if (answer === undefined || answered === undefined) return;
    pending.delete(answer.id);
    answered(answer.error === undefined ? { result: answer.result } : { error: answer.error });
  }

  return {
    output,
    hear,
    ask: (method, params, answered) => {
      lastId += 1;
      pending.set(lastId, answered);
      send({ id: lastId, method, params });
    },
    tell: (method, params) => send({ method, params }),
    end: () => void output.end(),
  };
}

const NOT_FOUND: RpcAnswer = { error: { code: METHOD_NOT_FOUND, message: 'Method not found' } };
