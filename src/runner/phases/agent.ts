import { buildPrompt } from '../context/build-prompt.ts';
import { readGuidance } from '../context/read-guidance.ts';
import { judgeAgentEnding, runAgentRound } from './agent-round.ts';
import type { Baselined } from './baseline.ts';
import { type AttemptContext, end, next, type PhaseDeps, type PhaseResult } from './phase.ts';

export type Worked = Baselined & {
  prompt: string;
  /** To go on with in a repair round; `null` when the agent has no sessions. */
  session: string | null;
};

/** The agent works on the issue in the workspace. */
export async function runAgent(
  baselined: Baselined,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PhaseResult<Worked>> {
  const prompt = await makePrompt(baselined, attempt, deps);
  const result = await runAgentRound({ prompt, resumeSession: null }, baselined, attempt, deps);
  const ending = judgeAgentEnding(result);
  if (ending !== null) return end(ending);
  return next({ ...baselined, prompt, session: result.session });
}

/** What the agent is told; what it is from, and what had to be left out, goes in the live log. */
async function makePrompt(
  { analysis }: Pick<Baselined, 'analysis'>,
  { spec, record, say }: AttemptContext,
  { context }: PhaseDeps,
): Promise<string> {
  const { guidance, problem } = await readGuidance(spec, analysis, context.guidanceFolder);
  if (problem !== null) say(`Note: ${problem}`);
  const prompt = await buildPrompt({
    spec,
    analysis,
    guidance,
    images: [],
    evidenceBefore: record.evidence,
    maxTokens: context.maxTokens,
  });
  say(`The agent is told about ${prompt.tokens} tokens; the advice is from ${guidance.from}`);
  for (const cut of prompt.cuts) say(`Did not fit: ${cut}`);
  return prompt.text;
}
