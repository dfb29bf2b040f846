import { buildPrompt } from '../context/build-prompt.ts';
import type { IssueImage } from '../context/describe-images.ts';
import { fetchImages } from '../context/fetch-images.ts';
import { readGuidance } from '../context/read-guidance.ts';
import { readWording } from '../context/read-wording.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import type { Ending } from '../attempt-record.ts';
import { isCutShort, runRound } from './agent-round.ts';
import type { Baselined } from './baseline.ts';
import { type AttemptContext, end, next, type PhaseDeps, type PhaseResult } from './phase.ts';

export type Worked = Baselined & {
  prompt: string;
  /** As in `AgentTask`. */
  imagesFolder: string | null;
  /** To go on with in a repair round; `null` when the agent has no sessions. */
  session: string | null;
  /** How the attempt would end that a limit ended in the middle of the work; `null`: the agent got through. */
  cutShort: Ending | null;
};

/** The agent works on the issue in the workspace. */
export async function runAgent(
  baselined: Baselined,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PhaseResult<Worked>> {
  const images = deps.context.images ? await fetchIssueImages(baselined, attempt, deps) : [];
  const imagesFolder = images.some(({ kind }) => kind === 'file') ? baselined.workspace.imagesFolder : null;
  const prompt = await makePrompt(baselined, images, attempt, deps);
  // All of it again: its session may have been shortened since, and what it was told then may have changed.
  const goOn = `${await readWording('round')}\n\n${prompt}`;
  const round = { anew: prompt, goOn, session: baselined.earlierSession, imagesFolder };
  const { staff, result, ending } = await runRound(round, baselined, attempt, deps);
  if (ending !== null && !isCutShort(result)) return end(ending);
  return next({ ...baselined, staff, prompt, imagesFolder, session: result.session, cutShort: ending });
}

async function fetchIssueImages(
  { workspace }: Baselined,
  { spec, tokens, signal, say }: AttemptContext,
  { fetch, userAgent }: PhaseDeps,
): Promise<IssueImage[]> {
  const { imagesFolder: folder } = workspace;
  const images = await fetchImages(spec, { token: tokens.run, fetch, folder, userAgent, signal });
  for (const image of images) {
    const url = toOneLine(image.url, 300);
    if (image.kind === 'file') say(`Fetched an image of the issue: ${url}`);
    else say(`An image of the issue is not given to the agent: ${url}: ${image.problem}`);
  }
  return images;
}

/** What the agent is told; what it is from, and what had to be left out, goes in the live log. */
async function makePrompt(
  { analysis, workspace }: Pick<Baselined, 'analysis' | 'workspace'>,
  images: readonly IssueImage[],
  { spec, record, say }: AttemptContext,
  { context }: PhaseDeps,
): Promise<string> {
  const { guidance, problem } = await readGuidance(spec, analysis, context.guidanceFolder);
  if (problem !== null) say(`Note: ${problem}`);
  const prompt = await buildPrompt({
    spec,
    analysis,
    guidance,
    images,
    evidenceBefore: record.evidence,
    notes: workspace.notes,
    conflicts: workspace.merge?.conflicts ?? [],
    maxTokens: context.maxTokens,
  });
  say(`The agent is told about ${prompt.tokens} tokens; the advice is from ${guidance.from}`);
  for (const cut of prompt.cuts) say(`Did not fit: ${cut}`);
  if (spec.revision !== undefined) record.toldThreads = prompt.threads;
  return prompt.text;
}
