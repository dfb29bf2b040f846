import { estimateTokens } from './estimate-tokens.ts';

/**
 * What a part of the prompt has to say within some room: '' = nothing. `cuts`: what of it does not fit, for people and the agent.
 * `threads`: of a review, which are in it, by their ids.
 */
export type Rendered = { text: string; cuts: string[]; threads?: number[] };

/** A part of the prompt that can be made shorter. */
export type Part = {
  /** 1 goes first when there is little room. */
  importance: number;
  /** Of the whole budget, 0 to 1: the most it may take, so that a long text leaves room for what else is needed. */
  share: number;
  /** The part in at most `maxTokens`, as `estimateTokens` counts. */
  render(maxTokens: number): Rendered;
};

/**
 * Gives room to the parts, the most important first: each gets what it wants, but no more than its share, and no more than what is left.
 * Answers the texts in the order of `parts`, with the threads that are in them, and all that was cut. The same input always gives the same answer.
 */
export function fitParts(
  parts: readonly Part[],
  budgetTokens: number,
): { texts: string[]; cuts: string[]; threads: number[]; tokens: number } {
  let left = Math.max(0, budgetTokens);
  const rendered = new Map<Part, Rendered>();
  const byImportance = parts.toSorted((a, b) => a.importance - b.importance);
  for (const part of byImportance) {
    const room = Math.min(left, Math.floor(budgetTokens * part.share));
    const result = part.render(room);
    rendered.set(part, result);
    left -= estimateTokens(result.text);
  }
  const inOrder: Rendered[] = parts.map((part) => rendered.get(part) ?? { text: '', cuts: [] });
  return {
    texts: inOrder.map(({ text }) => text),
    cuts: byImportance.flatMap((part) => rendered.get(part)?.cuts ?? []),
    threads: inOrder.flatMap(({ threads }) => threads ?? []),
    tokens: budgetTokens - left,
  };
}

/** Takes items as long as they fit into the room, each with a line to part it from the next. Answers how many were taken. */
export function countFitting(texts: readonly string[], maxTokens: number): number {
  let left = maxTokens;
  for (const [taken, text] of texts.entries()) {
    left -= estimateTokens(text) + 1;
    if (left < 0) return taken;
  }
  return texts.length;
}

/** Takes whatever fits into the room, in its order, each with a line to part it from the next: a long one does not keep others out. */
export function pickFitting(texts: readonly string[], maxTokens: number): number[] {
  let left = maxTokens;
  return texts.flatMap((text, at) => {
    const taken = estimateTokens(text) + 1;
    if (taken > left) return [];
    left -= taken;
    return [at];
  });
}
