import type { Effect } from '../../domain/effect.ts';
import { toSpecialtyLabels } from '../../domain/labels.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import { GitHubError } from '../../github/github-error.ts';
import { readSettings } from '../read-settings.ts';
import type { EffectContext, EffectDeps } from './effect-deps.ts';

/** Creates the labels of all specialties that the repository has: the built-in ones, and those of its settings. */
export async function ensureLabels(
  { fullName }: Extract<Effect, { kind: 'labels' }>,
  { installationId }: EffectContext,
  deps: EffectDeps,
): Promise<void> {
  const { github, labels } = deps;
  const repository = await github.readRepository({ installationId, fullName });
  const target = { installationId, repository };
  await github.ensureLabels(target, [...labels, ...toSpecialtyLabels(await readSpecialties(target, deps))]);
}

/** None where the App may not read files: the built-in labels don't depend on them. */
async function readSpecialties(target: RepositoryTarget, deps: EffectDeps): Promise<string[]> {
  try {
    return [...(await readSettings(target, deps)).settings.specialties.keys()];
  } catch (error) {
    if (!(error instanceof GitHubError) || error.kind !== 'forbidden') throw error;
    return [];
  }
}
