import type { Effect } from '../../domain/effect.ts';
import { readProposedSettings } from '../read-settings.ts';
import { settingsCheckKey } from '../say-again.ts';
import type { EffectContext, EffectDeps } from './effect-deps.ts';

/** Says on the commit what its settings file means, or what is wrong with it. What is in force is left alone. */
export async function checkProposedSettings(
  effect: Extract<Effect, { kind: 'settings-check' }>,
  { installationId, isRepeat }: EffectContext,
  { store, github, texts }: EffectDeps,
): Promise<void> {
  const { fullName, commit } = effect;
  const target = { installationId, repository: await github.readRepository({ installationId, fullName }) };
  const proposed = await readProposedSettings(target, effect, { github });
  const { name, content } = texts.toSettingsCheckRun({ ...target, proposed, isFork: effect.isFork });

  const key = settingsCheckKey(effect);
  const sent = await store.memory.getGitHubObject(key);
  if (sent?.objectId != null) {
    await github.updateCheckRun(target, sent.objectId, content);
    return;
  }
  const { id } = await github.ensureCheckRun(target, {
    name,
    content,
    headCommit: commit,
    externalId: `settings:${commit}`,
    mayExist: isRepeat,
  });
  await store.memory.putGitHubObject(key, { objectId: id, bodyHash: null }, await store.nowMs());
}
