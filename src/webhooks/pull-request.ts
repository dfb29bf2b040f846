import { z } from 'zod';
import { CommitId } from '../contract/job.ts';
import type { Trigger } from '../domain/trigger.ts';
import { NO_INSTALLATION, RepositoryPayload, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const PullRequestPayload = RepositoryPayload.extend({
  pull_request: z.object({
    number: z.int().positive(),
    head: z.object({
      ref: z.string(),
      sha: CommitId,
      /** GitHub has none when the fork was deleted. */
      repo: z.object({ id: z.int() }).nullish(),
    }),
  }),
});
type PullRequestPayload = z.infer<typeof PullRequestPayload>;

/** `pull_request.opened`, `pull_request.reopened`. */
export const translateOpened: Translator = translatorOf(PullRequestPayload, (payload) => {
  const proposal = toProposal(payload);
  return proposal === null ? meansNothing(NO_INSTALLATION) : means(proposal);
});

/** `pull_request.synchronize`: somebody pushed to its branch; we ourselves only do so before there is a pull request. */
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
