import { isKind } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** Reactions to comments. GitHub answers a repeated one with the first, so nothing has to be looked for. */
export function createReactions({ call }: { call: GitHubCall }): Pick<GitHub, 'reactToComment'> {
  return {
    async reactToComment(target, { commentId, place }, content) {
      if (place === 'review') return;
      const wanted = { ...toPath(target), comment_id: commentId, content };
      try {
        await call<unknown>(target.installationId, ({ rest: { reactions } }) =>
          place === 'thread'
            ? reactions.createForPullRequestReviewComment(wanted)
            : reactions.createForIssueComment(wanted),
        );
      } catch (error) {
        // Deleted, or locked: there is nobody left to be told by this.
        if (!isKind(error, 'gone') && !isKind(error, 'forbidden')) throw error;
      }
    },
  };
}
