import type { SweepDeps, SweepLook } from './sweep-deps.ts';

/**
 * Takes the commands in comments written since then that no webhook told of, under the same keys as webhooks, so that what both find is
 * done once. A comment changes its issue.
 *
 * `nextSince`: from where the next round has to go on because something was left to it; `null` when nothing was.
 */
export async function sweepComments(
  looked: SweepLook,
  deps: Pick<SweepDeps, 'reads' | 'acceptTrigger' | 'toCommentTrigger' | 'timings'>,
): Promise<{ found: number; nextSince: string | null }> {
  const { target, since, nowMs } = looked;
  const issues = new Map(looked.issues.map((issue) => [issue.number, issue]));
  const { comments, isAll } = await deps.reads.changedComments(target, since);
  let found = 0;
  let nextSince: string | null = null;
  for (const comment of comments) {
    const issue = issues.get(comment.issueNumber);
    const isTooYoung = nowMs - Date.parse(comment.createdAt) < deps.timings.issueSweepGraceSeconds * 1000;
    // Edited ones hold no commands; their time of change is not the time at which they were written.
    if (comment.createdAt !== comment.updatedAt || comment.createdAt <= looked.notBefore) continue;
    // Its issue changed after the issues were read, or there were too many: the next round reads it.
    if (issue === undefined || isTooYoung) nextSince ??= comment.createdAt;
    else {
      const trigger = deps.toCommentTrigger(target, issue, comment);
      if (trigger !== null) found += Number((await deps.acceptTrigger(trigger)).kind !== 'ignored');
    }
  }
  return { found, nextSince: nextSince ?? (isAll ? null : (comments.at(-1)?.updatedAt ?? null)) };
}
