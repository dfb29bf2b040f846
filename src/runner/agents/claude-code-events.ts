import { z } from 'zod';

/** What a finished run says about itself. */
export type ClaudeResult = {
  kind: 'result';
  /** `success` also stands on failures: `isError` tells. */
  subtype: string;
  isError: boolean;
  terminalReason: string | null;
  apiErrorStatus: number | null;
  /** The last words, or the text of the error. */
  text: string;
  session: string | null;
  turns: number;
  /** The command line's own estimate for this round, from list prices. */
  costUsd: number | null;
  /** This round, all models together; with what was read from and written to the cache. */
  tokens: { input: number; output: number };
};

/** The events of Claude Code that mean something to us; there are some forty kinds, which change weekly. */
export type ClaudeEvent =
  | { kind: 'init'; session: string; model: string | null; mcpServers: string[] }
  | { kind: 'hook'; name: string }
  | { kind: 'retry'; status: number | null; error: string | null; attempt: number; maxRetries: number }
  | { kind: 'denied'; tool: string; message: string }
  | {
      kind: 'assistant';
      messageId: string;
      texts: string[];
      tools: { name: string; input: Record<string, unknown> }[];
      /** The kind of API error that the text is about, e.g. `rate_limit`. */
      error: string | null;
      tokens: { input: number; output: number };
    }
  | ClaudeResult;

const Count = z.int().nonnegative().catch(0);
const OptionalText = z.string().nullable().catch(null);
const OptionalNumber = z.number().nullable().catch(null);

const Init = z.object({
  type: z.literal('system'),
  subtype: z.literal('init'),
  session_id: z.string(),
  model: OptionalText,
  mcp_servers: z.unknown().optional(),
});

const Hook = z.object({
  type: z.literal('system'),
  subtype: z.enum(['hook_started', 'hook_response', 'hook_progress']),
  hook_name: z.string().catch('unknown'),
});

const Retry = z.object({
  type: z.literal('system'),
  subtype: z.literal('api_retry'),
  error_status: OptionalNumber,
  error: OptionalText,
  attempt: Count,
  max_retries: Count,
});

const Denied = z.object({
  type: z.literal('system'),
  subtype: z.literal('permission_denied'),
  tool_name: z.string().catch('unknown'),
  message: z.string().catch(''),
});

const MessageUsage = z
  .object({
    input_tokens: Count,
    output_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
  })
  .catch({ input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 });

const Assistant = z.object({
  type: z.literal('assistant'),
  error: OptionalText,
  message: z.object({
    id: z.string().catch(''),
    usage: MessageUsage,
    content: z.array(z.unknown()).catch([]),
  }),
});
const TextBlock = z.object({ type: z.literal('text'), text: z.string() });
const ToolBlock = z.object({
  type: z.literal('tool_use'),
  name: z.string(),
  input: z.record(z.string(), z.unknown()).catch({}),
});

const ModelUsage = z.object({
  inputTokens: Count,
  outputTokens: Count,
  cacheReadInputTokens: Count,
  cacheCreationInputTokens: Count,
  costUSD: z.number().nonnegative().catch(0),
});
const UsageByModel = z.record(z.string(), ModelUsage);

const Result = z.object({
  type: z.literal('result'),
  subtype: z.string(),
  is_error: z.boolean(),
  terminal_reason: OptionalText,
  api_error_status: OptionalNumber,
  result: OptionalText,
  errors: z.array(z.string()).catch([]),
  session_id: OptionalText,
  num_turns: Count,
  total_cost_usd: z.number().nonnegative().nullable().catch(null),
  modelUsage: UsageByModel.catch({}),
  model_usage_since_last_result: UsageByModel.nullable().catch(null),
});

/** One schema for each kind, with what it means; found by `type` and `subtype`. */
const READERS = new Map<string, (value: unknown) => ClaudeEvent | null>(
  Object.entries({
    'system/init': reader(Init, (event) => ({
      kind: 'init',
      session: event.session_id,
      model: event.model,
      mcpServers: toNames(event.mcp_servers),
    })),
    'system/hook_started': reader(Hook, (event) => ({ kind: 'hook', name: event.hook_name })),
    'system/hook_response': reader(Hook, (event) => ({ kind: 'hook', name: event.hook_name })),
    'system/hook_progress': reader(Hook, (event) => ({ kind: 'hook', name: event.hook_name })),
    'system/api_retry': reader(Retry, (event) => ({
      kind: 'retry',
      status: event.error_status,
      error: event.error,
      attempt: event.attempt,
      maxRetries: event.max_retries,
    })),
    'system/permission_denied': reader(Denied, (event) => ({
      kind: 'denied',
      tool: event.tool_name,
      message: event.message,
    })),
    assistant: reader(Assistant, toAssistant),
    result: reader(Result, toResult),
  }),
);

/**
 * One line of `--output-format stream-json`. `null` for everything that is not an event that we know in a shape that
 * we know: other kinds, lines that were cut, text that is no JSON.
 */
export function parseClaudeEvent(line: string): ClaudeEvent | null {
  // Cheap first: whole files pass here, in events that mean nothing to us.
  if (!line.startsWith('{')) return null;
  const value = parseJson(line);
  const head = Head.safeParse(value);
  if (!head.success) return null;
  const { type, subtype } = head.data;
  const read = READERS.get(type === 'system' ? `system/${subtype}` : type);
  return read?.(value) ?? null;
}

const Head = z.object({ type: z.string(), subtype: z.string().catch('') });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A line that was cut, or was never meant for us.
    return null;
  }
}

function reader<Schema extends z.ZodType>(
  schema: Schema,
  toEvent: (value: z.output<Schema>) => ClaudeEvent,
): (value: unknown) => ClaudeEvent | null {
  return (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? toEvent(parsed.data) : null;
  };
}

/** Anything but an empty list counts as servers: better one alarm too many. */
function toNames(servers: unknown): string[] {
  if (servers === undefined) return [];
  if (!Array.isArray(servers)) return ['unknown'];
  return servers.map((server) => {
    const named = z.object({ name: z.string() }).safeParse(server);
    return named.success ? named.data.name : 'unknown';
  });
}

function toAssistant({ message, error }: z.output<typeof Assistant>): ClaudeEvent {
  const { usage } = message;
  return {
    kind: 'assistant',
    messageId: message.id,
    texts: message.content.flatMap((block) => TextBlock.safeParse(block).data?.text ?? []),
    tools: message.content.flatMap((block) => {
      const tool = ToolBlock.safeParse(block).data;
      return tool === undefined ? [] : [{ name: tool.name, input: tool.input }];
    }),
    error,
    tokens: {
      input: usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens,
      output: usage.output_tokens,
    },
  };
}

function toResult(event: z.output<typeof Result>): ClaudeResult {
  // In a session that goes on, `modelUsage` and `total_cost_usd` count from its beginning, over all earlier rounds.
  // Versions that don't tell this round's share are taken at that.
  const thisRound = event.model_usage_since_last_result;
  const tokens = { input: 0, output: 0 };
  let costUsd = 0;
  for (const usage of Object.values(thisRound ?? event.modelUsage)) {
    tokens.input += usage.inputTokens + usage.cacheReadInputTokens + usage.cacheCreationInputTokens;
    tokens.output += usage.outputTokens;
    costUsd += usage.costUSD;
  }
  return {
    kind: 'result',
    subtype: event.subtype,
    isError: event.is_error,
    terminalReason: event.terminal_reason,
    apiErrorStatus: event.api_error_status,
    text: event.result ?? event.errors.join('; '),
    session: event.session_id,
    turns: event.num_turns,
    costUsd: thisRound === null ? event.total_cost_usd : costUsd,
    tokens,
  };
}
