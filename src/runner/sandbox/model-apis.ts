import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';

/** The APIs of models that the gateway can stand for. */
export const MODEL_API_NAMES = ['anthropic', 'openai', 'gemini'] as const;
export type ModelApiName = (typeof MODEL_API_NAMES)[number];

/** Tokens of a model's answers. `input` is what was read in full, without what came from a cache. */
export type ModelTokens = { input: number; output: number; cacheWrite: number; cacheRead: number };

/** What one answer, or one event of a streamed answer, tells. */
export type AnswerUsage = { model: string | null; tokens: Partial<ModelTokens> };

/** What the gateway has to know of an API. */
export type ModelApi = {
  /** Where its makers serve it; the paths below count from here. */
  baseUrl: string;
  /** The headers that a client may give its key in; all are taken out on the way. */
  keyHeaders: readonly string[];
  /** How the key stands in the header for a real key. */
  toCredential(key: string): { header: string; value: string };
  /** Whether a path is what an agent needs: `turn` is a question to the model, `free` costs nothing. Others are refused. */
  judgePath(path: string): 'turn' | 'free' | null;
  /** Answered with 200 by the gateway itself, for whoever looks whether anybody is there. */
  greetingPath: string | null;
  /** A JSON answer, or the data of one event; `null` when it tells nothing of the kind. */
  readUsage(value: unknown): AnswerUsage | null;
  /** The body of a refusal in the API's own shape. */
  toRefusal(refusal: { status: number; type: string; message: string }): unknown;
};

const Count = z.number().nonnegative().nullish();
const Name = z.string().nullish().catch(null);

const AnthropicUsage = z.object({
  input_tokens: Count,
  output_tokens: Count,
  cache_creation_input_tokens: Count,
  cache_read_input_tokens: Count,
});
/** Of a stream: the first event has the input in `message`, the last one the output so far. */
const AnthropicAnswer = z.object({
  model: Name,
  usage: AnthropicUsage.nullish(),
  message: z.object({ model: Name, usage: AnthropicUsage.nullish() }).nullish(),
});

const OpenAiUsage = z.object({
  // Responses
  input_tokens: Count,
  output_tokens: Count,
  input_tokens_details: z.object({ cached_tokens: Count }).nullish(),
  // Chat Completions
  prompt_tokens: Count,
  completion_tokens: Count,
  prompt_tokens_details: z.object({ cached_tokens: Count }).nullish(),
});
/** Of a stream of Responses: only the last event has usage, in `response`. */
const OpenAiAnswer = z.object({
  model: Name,
  usage: OpenAiUsage.nullish(),
  response: z.object({ model: Name, usage: OpenAiUsage.nullish() }).nullish(),
});

/** Of a stream: each piece repeats the figures so far. */
const GeminiAnswer = z.object({
  modelVersion: Name,
  usageMetadata: z.object({
    promptTokenCount: Count,
    cachedContentTokenCount: Count,
    toolUsePromptTokenCount: Count,
    candidatesTokenCount: Count,
    thoughtsTokenCount: Count,
  }),
});

/**
 * One row for each API. What is not here can not be reached from a sandbox; above all no batches, which cost later, when nobody counts
 * any more, and no files.
 */
export const MODEL_APIS: Readonly<Record<ModelApiName, ModelApi>> = {
  anthropic: {
    baseUrl: 'https://api.anthropic.com',
    keyHeaders: ['x-api-key', 'authorization'],
    toCredential: (key) => ({ header: 'x-api-key', value: key }),
    judgePath: (path) => {
      if (path === '/v1/messages') return 'turn';
      return path === '/v1/messages/count_tokens' ? 'free' : null;
    },
    greetingPath: '/api/hello',
    readUsage: (value) => {
      const answer = AnthropicAnswer.safeParse(value).data;
      const usage = answer?.usage ?? answer?.message?.usage;
      if (!usage) return null;
      return {
        model: answer?.model ?? answer?.message?.model ?? null,
        tokens: {
          input: usage.input_tokens ?? 0,
          output: usage.output_tokens ?? 0,
          cacheWrite: usage.cache_creation_input_tokens ?? 0,
          cacheRead: usage.cache_read_input_tokens ?? 0,
        },
      };
    },
    toRefusal: ({ type, message }) => ({ type: 'error', error: { type, message } }),
  },
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    keyHeaders: ['authorization'],
    toCredential: (key) => ({ header: 'authorization', value: `Bearer ${key}` }),
    judgePath: (path) =>
      path === '/responses' || path === '/responses/compact' || path === '/chat/completions' ? 'turn' : null,
    greetingPath: null,
    readUsage: (value) => {
      const answer = OpenAiAnswer.safeParse(value).data;
      const usage = answer?.usage ?? answer?.response?.usage;
      if (!usage) return null;
      const all = usage.input_tokens ?? usage.prompt_tokens ?? 0;
      const cached =
        usage.input_tokens_details?.cached_tokens ?? usage.prompt_tokens_details?.cached_tokens ?? 0;
      return {
        model: answer?.model ?? answer?.response?.model ?? null,
        tokens: {
          input: Math.max(0, all - cached),
          cacheRead: cached,
          output: usage.output_tokens ?? usage.completion_tokens ?? 0,
        },
      };
    },
    toRefusal: ({ type, message }) => ({ error: { message, type, param: null, code: type } }),
  },
  gemini: {
    baseUrl: 'https://generativelanguage.googleapis.com',
    keyHeaders: ['x-goog-api-key', 'authorization'],
    toCredential: (key) => ({ header: 'x-goog-api-key', value: key }),
    judgePath: (path) => {
      const method = /^\/v1(?:beta)?\/models\/[\w.-]+:(\w+)$/.exec(path)?.[1];
      if (method === 'generateContent' || method === 'streamGenerateContent') return 'turn';
      return method === 'countTokens' ? 'free' : null;
    },
    greetingPath: null,
    readUsage: (value) => {
      const answer = GeminiAnswer.safeParse(value).data;
      if (answer === undefined) return null;
      const usage = answer.usageMetadata;
      const cached = usage.cachedContentTokenCount ?? 0;
      return {
        model: answer.modelVersion ?? null,
        tokens: {
          input: Math.max(0, (usage.promptTokenCount ?? 0) - cached) + (usage.toolUsePromptTokenCount ?? 0),
          cacheRead: cached,
          output: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
        },
      };
    },
    toRefusal: ({ status, message }) => ({
      error: { code: status, message, status: status === 401 ? 'UNAUTHENTICATED' : 'FAILED_PRECONDITION' },
    }),
  },
};

/** What a client gave as its key; '' when it gave none. */
export function readKey(api: ModelApi, headers: IncomingHttpHeaders): string {
  for (const name of api.keyHeaders) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return value.replace(/^Bearer /i, '');
  }
  return '';
}

const ErrorBody = z.object({
  error: z.object({
    type: Name,
    code: z.union([z.string(), z.number()]).nullish().catch(null),
    status: Name,
    message: Name,
    /** Gemini tells a wrong key from other mistakes only here. */
    details: z.array(z.object({ reason: Name }).catch({ reason: null })).catch([]),
  }),
});

/** The service's own name for what went wrong, and its words, of an answer that is none. */
export function readModelError(body: string): { names: string[]; message: string } {
  const parsed = ErrorBody.safeParse(parseJson(body));
  if (!parsed.success) return { names: [], message: '' };
  const { type, code, status, message, details } = parsed.data.error;
  return {
    names: [type, code, status, ...details.map(({ reason }) => reason)].filter(
      (name): name is string => typeof name === 'string' && name.length <= 100,
    ),
    message: message ?? '',
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Proxies answer with pages.
    return null;
  }
}
