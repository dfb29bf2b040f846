import { isKind } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** Reactions to comments. GitHub answers a repeated one with the first, so nothing has to be looked for. */
export function createReactions({ call }: { call: GitHubCall }): Pick<GitHub, 'reactToComment'> {
  return {
    async reactToComment(target, commentId, content) {
      try {
        await call(target.installationId, (octokit) =>
          octokit.rest.reactions.createForIssueComment({ ...toPath(target), comment_id: commentId, content }),
        );
      } catch (error) {
        // Deleted, or locked: there is nobody left to be told by this.
        if (!isKind(error, 'gone') && !isKind(error, 'forbidden')) throw error;
      }
    },
  };
}
