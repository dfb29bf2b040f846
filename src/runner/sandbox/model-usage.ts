import { z } from 'zod';
import { createLineSplitter } from '../../lib/line-splitter.ts';

/** Tokens as the Messages API counts them. */
export type ModelTokens = { input: number; output: number; cacheWrite: number; cacheRead: number };

const Count = z.number().nonnegative().nullish();
const Usage = z.object({
  input_tokens: Count,
  output_tokens: Count,
  cache_creation_input_tokens: Count,
  cache_read_input_tokens: Count,
});
const Answer = z.object({ model: z.string().nullish(), usage: Usage.nullish() });
/** Of a stream: the first event has the input, the last one the output so far. */
const StreamEvent = z.object({ message: Answer.nullish(), usage: Usage.nullish() });

/** Longer answers that are no streams are not read for their usage. */
const MAX_ANSWER_BYTES = 16 * 1024 ** 2;

/** USD for a million tokens: input, output. Only a second line behind the agent's own accounts, so families are enough. */
const PRICES: readonly { family: RegExp; input: number; output: number }[] = [
  { family: /haiku/, input: 1, output: 5 },
  { family: /sonnet/, input: 3, output: 15 },
];
const OTHER_PRICE = { input: 5, output: 25 };
const CACHE_WRITE_FACTOR = 1.25;
const CACHE_READ_FACTOR = 0.1;

/** Reads along an answer of the Messages API, streamed or not. */
export type UsageReader = {
  push(chunk: Uint8Array): void;
  /** What the answer so far says; also of one that was cut. */
  end(): { model: string | null; tokens: ModelTokens };
};

export function createUsageReader(options: { isStream: boolean }): UsageReader {
  const lines = createLineSplitter({ maxLineBytes: MAX_ANSWER_BYTES });
  const tokens: ModelTokens = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 };
  let model: string | null = null;
  let pieces: Uint8Array[] = [];
  let heldBytes = 0;

  function see(usage: z.infer<typeof Usage> | null | undefined): void {
    // Figures of one answer only grow: a later event repeats what an earlier one said.
    tokens.input = Math.max(tokens.input, usage?.input_tokens ?? 0);
    tokens.output = Math.max(tokens.output, usage?.output_tokens ?? 0);
    tokens.cacheWrite = Math.max(tokens.cacheWrite, usage?.cache_creation_input_tokens ?? 0);
    tokens.cacheRead = Math.max(tokens.cacheRead, usage?.cache_read_input_tokens ?? 0);
  }

  function seeLine(line: string): void {
    if (!line.startsWith('data:') || !line.includes('usage')) return;
    const event = StreamEvent.safeParse(parseJson(line.slice('data:'.length)));
    if (!event.success) return;
    model = event.data.message?.model ?? model;
    see(event.data.message?.usage);
    see(event.data.usage);
  }

  return {
    push: (chunk) => {
      if (options.isStream) {
        for (const line of lines.push(chunk)) seeLine(line);
      } else if (heldBytes < MAX_ANSWER_BYTES) {
        pieces.push(chunk);
        heldBytes += chunk.length;
      }
    },
    end: () => {
      for (const line of lines.end()) seeLine(line);
      const answer = Answer.safeParse(parseJson(Buffer.concat(pieces).toString('utf8')));
      pieces = [];
      if (answer.success && answer.data.usage) {
        model = answer.data.model ?? model;
        see(answer.data.usage);
      }
      return { model, tokens };
    },
  };
}

/** About what that cost, in USD, by list prices of the model's family. */
export function estimateCostUsd(model: string | null, tokens: ModelTokens): number {
  const price = PRICES.find(({ family }) => family.test(model ?? '')) ?? OTHER_PRICE;
  const input = tokens.input + tokens.cacheWrite * CACHE_WRITE_FACTOR + tokens.cacheRead * CACHE_READ_FACTOR;
  return (input * price.input + tokens.output * price.output) / 1_000_000;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Something else than an answer of the model: it has no usage.
    return null;
  }
}
