import { noteMarker } from '../../domain/revision-text.ts';
import type { EffectDeps } from './effect-deps.ts';

/** Says something on an issue or pull request, once. */
export async function publishNote(key: string, { store, github }: EffectDeps): Promise<void> {
  const note = await store.reviews.getNote(key);
  const sentKey = `note:${key}`;
  if (note === null || (await store.memory.getGitHubObject(sentKey))) return;
  const { installationId, repository, number, text } = note;
  const marker = noteMarker(key);
  const comment = await github.publishStatusComment({ installationId, repository }, number, {
    commentId: null,
    mayRecreate: true,
    marker,
    body: `${marker}\n\n${text}`,
  });
  const sent = { objectId: comment?.id ?? null, bodyHash: null };
  await store.memory.putGitHubObject(sentKey, sent, await store.nowMs());
}
