import { toOneLine } from '../../lib/strip-control.ts';
import type { RepositoryAnalysis } from '../analysis/repository-analysis.ts';
import { cleanText } from './clean-text.ts';
import { cutToTokens, estimateTokens } from './estimate-tokens.ts';
import { fence, inlineCode } from './fence.ts';
import type { Rendered } from './fit-parts.ts';

/** In characters, of each file. */
const MAX_NOTE = 20_000;
/** A shorter beginning of a file tells nothing. */
const LEAST_TOKENS = 200;
/** For the path and the fence. */
const AROUND_TOKENS = 80;

/** The repository's own instructions (AGENTS.md, …), as information: the first files whole, where there is little room. */
export function describeNotes(
  { instructions }: Pick<RepositoryAnalysis, 'instructions'>,
  maxTokens: number,
): Rendered {
  const introduction = 'They tell how the project works. Follow them where they fit the task and the rules.';
  let left = maxTokens - estimateTokens(introduction) - 2;
  const blocks: string[] = [];
  const cuts: string[] = [];
  for (const { path, text } of instructions) {
    const whole = cleanText(text, MAX_NOTE);
    if (whole === '') continue;
    const name = inlineCode(toOneLine(path, 200));
    const note = cutToTokens(whole, left - AROUND_TOKENS);
    const isCut = note.length < whole.length;
    if (isCut && left < LEAST_TOKENS) {
      cuts.push(`${name}: read it in the working directory`);
      continue;
    }
    if (isCut) cuts.push(`${name}: its first ${note.length} of ${whole.length} characters are above`);
    const block = `From ${name}:\n\n${fence(isCut ? `${note}\n[cut here]` : note)}`;
    left -= estimateTokens(block) + 1;
    blocks.push(block);
  }
  return { text: blocks.length === 0 ? '' : [introduction, ...blocks].join('\n\n'), cuts };
}
