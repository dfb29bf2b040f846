import { type Asking, chooseComments, findCommenters } from '../domain/choose-comments.ts';
import type { IssueReading } from '../domain/decide.ts';
import type { Permission } from '../domain/permission.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';

/**
 * The issue with what trusted people said on it, for work that is about to start. Costs nothing where nobody commented; otherwise one or two
 * reads, and one for each person who did. `known`: permissions that were read already, by login. Throws `GitHubError`.
 */
export async function withComments(
  target: RepositoryTarget,
  reading: IssueReading,
  asking: Asking,
  known: Readonly<Record<string, Permission>>,
  { github }: { github: Pick<GitHub, 'readComments' | 'readPermission'> },
): Promise<IssueReading> {
  if (!reading.found || !reading.commentCount) return reading;
  const { comments, unread } = await github.readComments(target, reading.issue.number, reading.commentCount);
  const permissions = new Map<string, Permission>();
  await Promise.all(
    findCommenters(comments, asking).map(async (login) => {
      permissions.set(login, known[login] ?? (await github.readPermission(target, login)));
    }),
  );
  const chosen = chooseComments({ comments, asking, permissions, unread });
  return { ...reading, issue: { ...reading.issue, ...chosen } };
}
