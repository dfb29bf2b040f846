import { buildPrompt } from '../context/build-prompt.ts';
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
  const { spec, record } = attempt;
  const prompt = await buildPrompt({
    spec,
    analysis: baselined.analysis,
    evidenceBefore: record.evidence,
  });
  const result = await runAgentRound({ prompt, resumeSession: null }, baselined, attempt, deps);
  const ending = judgeAgentEnding(result);
  if (ending !== null) return end(ending);
  return next({ ...baselined, prompt, session: result.session });
}
