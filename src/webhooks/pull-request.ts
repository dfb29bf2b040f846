import { z } from 'zod';
import { CommitId } from '../contract/identifiers.ts';
import type { RepositoryTarget, Trigger } from '../domain/trigger.ts';
import { NO_INSTALLATION, RepositoryPayload, toActor, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const PullRequestPayload = RepositoryPayload.extend({
  pull_request: z.object({
    number: z.int().positive(),
    updated_at: z.string().nullish(),
    closed_at: z.string().nullish(),
    head: z.object({
      ref: z.string(),
      sha: CommitId,
      /** GitHub has none when the fork was deleted. */
      repo: z.object({ id: z.int() }).nullish(),
    }),
  }),
});
type PullRequestPayload = z.infer<typeof PullRequestPayload>;

/** `pull_request.opened`. */
export const translateOpened: Translator = translatorOf(PullRequestPayload, (payload) => {
  const proposal = toProposal(payload);
  return proposal === null ? meansNothing(NO_INSTALLATION) : means(proposal);
});

/** `pull_request.reopened`. */
export const translateReopened: Translator = translatorOf(PullRequestPayload, (payload) => {
  const proposal = toProposal(payload);
  if (proposal === null) return meansNothing(NO_INSTALLATION);
  const { number, updated_at } = payload.pull_request;
  return means(
    toPullRequestTurn('pull_request_reopened', proposal.target, number, updated_at, payload),
    proposal,
  );
});

/** `pull_request.closed`: merged, too. */
export const translateClosed: Translator = translatorOf(PullRequestPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { number, closed_at, updated_at } = payload.pull_request;
  const at = closed_at ?? updated_at;
  return means(toPullRequestTurn('pull_request_ended', target, number, at, payload));
});

function toPullRequestTurn(
  kind: 'pull_request_ended' | 'pull_request_reopened',
  target: RepositoryTarget,
  pullRequestNumber: number,
  at: string | null | undefined,
  payload: PullRequestPayload,
): Trigger {
  const key = `${kind}:${target.repository.id}#${pullRequestNumber}:${at ?? ''}`;
  return { kind, key, target, pullRequestNumber, sender: toActor(payload) };
}

/** `pull_request.synchronize`: somebody pushed to its branch, or we did in a round of rework. */
export const translateSynchronize: Translator = translatorOf(PullRequestPayload, (payload) => {
  const proposal = toProposal(payload);
  if (proposal === null) return meansNothing(NO_INSTALLATION);
  const { target, pullRequestNumber, headCommit } = proposal;
  const key = `pull_request_moved:${target.repository.id}#${pullRequestNumber}:${headCommit}`;
  return means({ kind: 'pull_request_moved', key, target, pullRequestNumber, headCommit }, proposal);
});

/** `null` without an installation. */
function toProposal(payload: PullRequestPayload): Extract<Trigger, { kind: 'settings_proposed' }> | null {
  const target = toTarget(payload);
  if (target === null) return null;
  const { number, head } = payload.pull_request;
  return {
    kind: 'settings_proposed',
    key: `settings_proposed:${target.repository.id}#${number}:${head.sha}`,
    target,
    pullRequestNumber: number,
    headCommit: head.sha,
    branch: head.ref,
    isFork: head.repo?.id !== target.repository.id,
  };
}
