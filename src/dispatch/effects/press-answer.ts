import { pressMarker } from '../../domain/answer-marker.ts';
import { toPressAnswer } from '../../domain/command-answer-text.ts';
import type { EffectDeps } from './effect-deps.ts';

/** Tells on the issue why a button did nothing, once. */
export async function answerPress(key: string, deps: EffectDeps): Promise<void> {
  const { store, github } = deps;
  const press = await store.commands.getPress(key);
  if (press === null || press.reason === null) return;
  const sentKey = `press-answer:${key}`;
  if (await store.memory.getGitHubObject(sentKey)) return;
  const { sender, button, reason } = press;
  const attempt = await store.attempts.get(press.attemptId);
  const marker = pressMarker(key);
  const checkRunUrl = attempt?.checkRun?.url ?? null;
  const target = { installationId: press.installationId, repository: press.repository };
  const comment = await github.publishStatusComment(target, press.issueNumber, {
    commentId: null,
    mayRecreate: true,
    marker,
    body: toPressAnswer({ marker, sender, button, checkRunUrl, reason }),
  });
  await store.memory.putGitHubObject(
    sentKey,
    { objectId: comment?.id ?? null, bodyHash: null },
    await store.nowMs(),
  );
}
