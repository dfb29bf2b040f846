import { resolve } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { toError } from '../../lib/to-error.ts';
import { analyzeRepository } from '../analysis/analyze-repository.ts';
import type { RepositoryAnalysis } from '../analysis/repository-analysis.ts';
import type { RunnerConfig } from '../config.ts';
import { buildPrompt } from '../context/build-prompt.ts';
import { readGuidance } from '../context/read-guidance.ts';
import type { RunnerIdentity } from '../runner-identity.ts';
import { describeReach } from '../sandbox/allow-hosts.ts';
import { askCoordinator } from './ask-coordinator.ts';
import { askGitHub } from './ask-github.ts';
import { type Checkout, checkOutBase } from './check-out-base.ts';
import type { PreviewAnswer, PreviewWish } from './preview-answer.ts';
import { PreviewError } from './preview-error.ts';
import { previewImages } from './preview-images.ts';

export type PreviewDeps = {
  fetch: typeof fetch;
  clock: Clock;
  log: Logger;
  machineEnv: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
};

/** `notes`: what whoever reads the prompt should know about it, one line each. */
export type PromptPreview = { text: string; notes: string[] };

/**
 * What this runner's agent would be told about an issue if somebody asked for the work now, but for what only the work itself brings: the
 * outcome of set-up and tests, and fetched images. Nothing is run, stored or said on GitHub. Throws `PreviewError`.
 */
export async function previewPrompt(
  wish: PreviewWish & {
    /** A clone of the repository that is there already, instead of one that is made for this. */
    checkout: string | null;
  },
  { config, identity }: { config: RunnerConfig; identity: RunnerIdentity },
  deps: PreviewDeps,
): Promise<PromptPreview> {
  const { checkout, ...asked } = wish;
  const answer =
    identity.kind === 'coordinator'
      ? await askCoordinator(asked, { url: config.coordinatorUrl, identity }, deps)
      : await askGitHub(asked, { name: config.agentId, specialties: config.specialties, identity }, deps);
  const { preview } = answer;
  const { analysis, notes } = await analyze(answer, checkout, config, deps);
  const { guidance, problem } = await readGuidance(preview, analysis, config.context.guidanceFolder);
  const prompt = await buildPrompt({
    spec: preview,
    analysis,
    guidance,
    images: config.context.images ? previewImages(preview) : [],
    evidenceBefore: null,
    notes,
    maxTokens: config.context.maxTokens,
  });
  const { base, specialty } = preview;
  const reach = describeReach(preview.settings.hosts ?? [], config.sandbox);
  const place =
    checkout === null ? `${base.branch} at ${base.commit.slice(0, 12)}` : `the files in ${checkout}`;
  return {
    text: prompt.text,
    notes: [
      `About ${prompt.tokens} of ${config.context.maxTokens} tokens, for ${specialty} work on ${place}; the advice is from ${guidance.from}.`,
      'The work itself adds how set-up and tests end on the untouched base, and fetches images.',
      ...answer.notes,
      ...(reach === null ? [] : [`${reach}.`]),
      ...(problem === null ? [] : [problem]),
      ...prompt.cuts.map((cut) => `Did not fit: ${cut}`),
    ],
  };
}

/** `notes`: what is not in the files that were looked at. */
type LookedAt = { analysis: RepositoryAnalysis; notes: readonly string[] };

async function analyze(
  answer: PreviewAnswer,
  checkout: string | null,
  config: RunnerConfig,
  deps: PreviewDeps,
): Promise<LookedAt> {
  try {
    return await analyzeFiles(answer, checkout, config, deps);
  } finally {
    await answer.close();
  }
}

async function analyzeFiles(
  answer: PreviewAnswer,
  checkout: string | null,
  config: RunnerConfig,
  deps: PreviewDeps,
): Promise<LookedAt> {
  const { specialty } = answer.preview;
  if (checkout !== null) {
    try {
      return { analysis: await analyzeRepository(resolve(checkout), { specialty }), notes: [] };
    } catch (error) {
      throw new PreviewError(`--checkout: ${toError(error).message}`);
    }
  }
  const base = await checkOut(answer, config, deps);
  try {
    return { analysis: await analyzeRepository(base.folder, { specialty }), notes: base.notes };
  } finally {
    await base.remove();
  }
}

async function checkOut(
  { preview, token: given }: PreviewAnswer,
  config: RunnerConfig,
  deps: PreviewDeps,
): Promise<Checkout> {
  const { sshKey } = config.github;
  const token = config.github.token ?? given;
  try {
    return await checkOutBase(preview, {
      ...deps,
      token: token ?? '',
      sshKeyFile: token === null ? sshKey : null,
    });
  } catch (error) {
    deps.signal.throwIfAborted();
    const { owner, name } = preview.repository;
    const hint =
      token === null && sshKey === null
        ? 'The coordinator gives tokens for work only, and this machine has no credentials of its own for git'
        : 'The credentials of this machine (github: in runner.yml) did not do';
    throw new PreviewError(
      `${owner}/${name} can’t be cloned. ${hint}: name a clone with --checkout FOLDER. Git says: ${toError(error).message}`,
      { cause: error },
    );
  }
}
