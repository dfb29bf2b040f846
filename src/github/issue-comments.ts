import type { CommentReading } from '../domain/choose-comments.ts';
import { nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

const PAGE_SIZE = 100;
/** What stands on the page before the last one is read as well when the last one holds fewer than this. */
const ENOUGH = 30;

/** GitHub lists the oldest first and knows no other order, so the last pages are found by the number of comments. */
export function createCommentReader({ call }: { call: GitHubCall }): Pick<GitHub, 'readComments'> {
  return {
    async readComments(target, issueNumber, count) {
      const last = Math.max(1, Math.ceil(count / PAGE_SIZE));
      const newest = await readPage(last);
      const older = last > 1 && newest.length < ENOUGH ? await readPage(last - 1) : [];
      const comments = [...older, ...newest];
      return { comments, unread: Math.max(0, count - comments.length) };

      async function readPage(page: number): Promise<CommentReading[]> {
        const response = await nullWhenGone(
          call(target.installationId, (octokit) =>
            octokit.rest.issues.listComments({
              ...toPath(target),
              issue_number: issueNumber,
              per_page: PAGE_SIZE,
              page,
            }),
          ),
        );
        return (response?.data ?? []).map(({ id, body, user, created_at, updated_at }) => ({
          id,
          body: body ?? '',
          author: user === null ? null : { login: user.login, id: user.id, isBot: user.type === 'Bot' },
          createdAt: created_at,
          updatedAt: updated_at,
        }));
      }
    },
  };
}
