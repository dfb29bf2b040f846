import { createLineSplitter } from '../../lib/line-splitter.ts';
import type { ModelApi, ModelTokens } from './model-apis.ts';

/** Longer answers that are no streams are not read for their usage. */
const MAX_ANSWER_BYTES = 16 * 1024 ** 2;

/** USD for a million tokens; `cachedInput` without a figure is a tenth of `input`. */
export type ModelPrice = { input: number; output: number; cachedInput?: number | undefined };

/** Only a second line behind the agent's own accounts, so families are enough. */
const PRICES: readonly { family: RegExp; price: ModelPrice }[] = [
  { family: /haiku/, price: { input: 1, output: 5 } },
  { family: /sonnet/, price: { input: 3, output: 15 } },
];
const OTHER_PRICE: ModelPrice = { input: 5, output: 25 };
const CACHE_WRITE_FACTOR = 1.25;
const CACHE_READ_FACTOR = 0.1;

/** Reads along an answer of a model, streamed or not. */
export type UsageReader = {
  push(chunk: Uint8Array): void;
  /** What the answer so far says; also of one that was cut. */
  end(): { model: string | null; tokens: ModelTokens };
};

export function createUsageReader(options: {
  isStream: boolean;
  api: Pick<ModelApi, 'readUsage'>;
}): UsageReader {
  const lines = createLineSplitter({ maxLineBytes: MAX_ANSWER_BYTES });
  const tokens: ModelTokens = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 };
  let model: string | null = null;
  let pieces: Uint8Array[] = [];
  let heldBytes = 0;

  function see(value: unknown): void {
    const usage = options.api.readUsage(value);
    if (usage === null) return;
    model = usage.model ?? model;
    // Figures of one answer only grow: a later event repeats what an earlier one said.
    for (const kind of ['input', 'output', 'cacheWrite', 'cacheRead'] as const) {
      tokens[kind] = Math.max(tokens[kind], usage.tokens[kind] ?? 0);
    }
  }

  function seeLine(line: string): void {
    // Cheap first: most events are a few letters of text.
    if (line.startsWith('data:') && /usage/i.test(line)) see(parseJson(line.slice('data:'.length)));
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
      const answer = parseJson(Buffer.concat(pieces).toString('utf8'));
      pieces = [];
      for (const part of Array.isArray(answer) ? answer : [answer]) see(part);
      return { model, tokens };
    },
  };
}

/** About what that cost, in USD: by `price`, else by list prices of the model's family, else by a price that is rather too high. */
export function estimateCostUsd(
  model: string | null,
  tokens: ModelTokens,
  price: ModelPrice | null = null,
): number {
  const known = price ?? PRICES.find(({ family }) => family.test(model ?? ''))?.price ?? OTHER_PRICE;
  const cachedInput = known.cachedInput ?? known.input * CACHE_READ_FACTOR;
  const input = (tokens.input + tokens.cacheWrite * CACHE_WRITE_FACTOR) * known.input;
  return (input + tokens.cacheRead * cachedInput + tokens.output * known.output) / 1_000_000;
}

/** Whether there is a price to tell people, and not only a guess to stop by. */
export function hasKnownPrice(model: string | null): boolean {
  return PRICES.some(({ family }) => family.test(model ?? ''));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Something else than an answer of the model: it has no usage.
    return null;
  }
}
