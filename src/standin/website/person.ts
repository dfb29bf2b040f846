import type { Buffer } from 'node:buffer';
import { need, issueNeed } from '../access/access.ts';
import type { Actor, Doer } from '../access/actor.ts';
import { issueOf } from '../actions/issues.ts';
import type { MergeMethod } from '../actions/merge.ts';
import type { NewReviewComment, ReviewEvent } from '../actions/reviews.ts';
import { asPull, type Pull } from '../shapes/pull-shapes.ts';
import type { Site } from '../site.ts';
import type { Account, CheckRun, Issue, IssueComment, ReactionContent, Repository, Role } from '../world.ts';

/**
 * What a person does on the website, with the same rights and the same webhooks as there. Repositories are
 * named `owner/name`. Everything throws when the person's role does not allow it.
 */
export function createPerson(
  site: Pick<
    Site,
    | 'world'
    | 'access'
    | 'shapes'
    | 'issues'
    | 'comments'
    | 'labels'
    | 'reactions'
    | 'checks'
    | 'pulls'
    | 'reviews'
    | 'merge'
    | 'repositories'
    | 'attachments'
  >,
  account: Account,
) {
  const { world, access, shapes, issues, comments, labels, reactions, checks, pulls, reviews, merge } = site;
  const by: Doer = { account, viaApp: false };
  const actor: Actor = { kind: 'user', account, scopes: [] };

  function repositoryAs(fullName: string, role: Role): Repository {
    const repository = world.repository(fullName);
    if (!repository) throw new Error(`There is no repository ${fullName}`);
    access.check(actor, repository, need('contents', 'write', role));
    return repository;
  }

  /** The issue, for its author or anyone with the role. */
  function issueAs(fullName: string, number: number, role: Role, authorMay = true): [Repository, Issue] {
    const repository = repositoryAs(fullName, 'read');
    const issue = issueOf(repository, number);
    const isAuthor = authorMay && issue.author === account;
    access.check(actor, repository, issueNeed(issue, 'write', isAuthor ? 'read' : role));
    return [repository, issue];
  }

  function pullAs(fullName: string, number: number, role: Role, authorMay = false): [Repository, Pull] {
    const [repository, issue] = issueAs(fullName, number, role, authorMay);
    const pull = asPull(issue);
    if (!pull) throw new Error(`#${number} of ${fullName} is no pull request`);
    return [repository, pull];
  }

  function commentAs(fullName: string, commentId: number, role: Role): [Repository, Issue, IssueComment] {
    const repository = repositoryAs(fullName, 'read');
    const comment = repository.comments.get(commentId);
    if (!comment) throw new Error(`There is no comment ${commentId} in ${fullName}`);
    if (comment.author !== account) access.check(actor, repository, need('issues', 'write', role));
    return [repository, issueOf(repository, comment.issueNumber), comment];
  }

  function runAs(fullName: string, checkRunId: number): [Repository, CheckRun] {
    const repository = repositoryAs(fullName, 'write');
    const run = repository.checkRuns.get(checkRunId);
    if (!run) throw new Error(`There is no check run ${checkRunId} in ${fullName}`);
    return [repository, run];
  }

  return {
    /** Labels need triage rights; GitHub drops them in silence otherwise. */
    async openIssue(wanted: { repository: string; title: string; body?: string; labels?: string[] }) {
      const repository = repositoryAs(wanted.repository, 'read');
      const { permissions } = shapes.accounts.collaboratorPermission(repository, account).user;
      const issue = await issues.open(repository, by, {
        title: wanted.title,
        body: wanted.body ?? null,
        labels: permissions.triage ? (wanted.labels ?? []) : [],
        assignees: [],
      });
      return shapes.issues.issue(repository, issue);
    },
    /** Drops an image into a text that is being written; answers the address that stands there then. */
    async attachImage(repository: string, bytes: Buffer, mediaType: string): Promise<string> {
      return site.attachments.put(repositoryAs(repository, 'read'), bytes, mediaType);
    },
    async editIssue(
      repository: string,
      number: number,
      wanted: { title?: string; body?: string },
    ): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage');
      await issues.edit(found, issue, by, wanted);
    },
    async addLabel(repository: string, number: number, label: string): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage', false);
      await issues.addLabels(found, issue, by, [label]);
    },
    async removeLabel(repository: string, number: number, label: string): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage', false);
      await issues.removeLabel(found, issue, by, label);
    },
    async assign(repository: string, number: number, login: string): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage', false);
      const assignee = world.account(login);
      if (!assignee) throw new Error(`There is no user ${login}`);
      await issues.setAssignees(found, issue, by, [...issue.assignees, assignee]);
    },
    /** Both of the same repository. */
    async blockIssue(repository: string, number: number, by: number): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage', false);
      issues.block({ repository: found, issue }, { repository: found, issue: issueOf(found, by) });
    },
    /** Both of the same repository. */
    async addSubIssue(repository: string, number: number, part: number): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage', false);
      issues.addSubIssue({ repository: found, issue }, { repository: found, issue: issueOf(found, part) });
    },
    async setIssueType(repository: string, number: number, type: string): Promise<void> {
      const [, issue] = issueAs(repository, number, 'triage', false);
      issues.setType(issue, type);
    },
    async comment(repository: string, number: number, body: string) {
      const [found, issue] = issueAs(repository, number, 'read');
      return shapes.issues.comment(found, issue, comments.create(found, issue, by, body));
    },
    async editComment(repository: string, commentId: number, body: string): Promise<void> {
      const [found, issue, comment] = commentAs(repository, commentId, 'write');
      comments.edit(found, issue, comment, by, body);
    },
    async deleteComment(repository: string, commentId: number): Promise<void> {
      const [found, issue, comment] = commentAs(repository, commentId, 'write');
      comments.remove(found, issue, comment, by);
    },
    async react(repository: string, commentId: number, content: ReactionContent): Promise<void> {
      const [, , comment] = commentAs(repository, commentId, 'read');
      reactions.add(comment, by, content);
    },
    async closeIssue(
      repository: string,
      number: number,
      reason?: 'completed' | 'not_planned',
    ): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage');
      await issues.close(found, issue, by, reason);
    },
    async reopenIssue(repository: string, number: number): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'triage');
      await issues.reopen(found, issue, by);
    },
    async deleteIssue(repository: string, number: number): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'admin', false);
      await issues.remove(found, issue, by);
    },
    /** Gives the number in the other repository. */
    async transferIssue(repository: string, number: number, to: string): Promise<number> {
      const [found, issue] = issueAs(repository, number, 'write', false);
      return (await issues.transfer(found, issue, repositoryAs(to, 'write'), by)).number;
    },
    async lockIssue(repository: string, number: number): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'write', false);
      await issues.setLocked(found, issue, by, true);
    },
    async unlockIssue(repository: string, number: number): Promise<void> {
      const [found, issue] = issueAs(repository, number, 'write', false);
      await issues.setLocked(found, issue, by, false);
    },
    async openPullRequest(
      repository: string,
      wanted: { title: string; head: string; base?: string; body?: string; draft?: boolean },
    ) {
      const found = repositoryAs(repository, 'write');
      const pull = await pulls.open(found, by, {
        title: wanted.title,
        body: wanted.body ?? null,
        head: wanted.head,
        base: wanted.base ?? found.defaultBranch,
        draft: wanted.draft ?? false,
        maintainerCanModify: false,
      });
      return shapes.pulls.pull(found, pull);
    },
    /** Gives the sha of the commit on the base branch. */
    async mergePullRequest(
      repository: string,
      number: number,
      method: MergeMethod = 'merge',
    ): Promise<string> {
      const [found, pull] = pullAs(repository, number, 'write');
      return merge(found, pull, by, { method, sha: undefined, title: undefined, message: undefined });
    },
    async closePullRequest(repository: string, number: number): Promise<void> {
      const [found, pull] = pullAs(repository, number, 'triage', true);
      await issues.close(found, pull, by);
    },
    async reopenPullRequest(repository: string, number: number): Promise<void> {
      const [found, pull] = pullAs(repository, number, 'triage', true);
      if (pull.pull.mergedAtMs !== null) throw new Error(`#${number} of ${repository} was merged`);
      await issues.reopen(found, pull, by);
    },
    /** From draft to ready, or back. */
    async setDraft(repository: string, number: number, draft: boolean): Promise<void> {
      const [found, pull] = pullAs(repository, number, 'write', true);
      await pulls.setDraft(found, pull, by, draft);
    },
    async reviewPullRequest(
      repository: string,
      number: number,
      wanted: { event: ReviewEvent; body?: string; comments?: NewReviewComment[] },
    ) {
      const [found, pull] = pullAs(repository, number, 'read');
      const { event, body = '', comments: lines = [] } = wanted;
      return shapes.pulls.review(
        found,
        pull,
        await reviews.submit(found, pull, by, { event, body, comments: lines }),
      );
    },
    async replyToReview(repository: string, number: number, commentId: number, body: string) {
      const [found, pull] = pullAs(repository, number, 'read');
      return shapes.pulls.reviewComment(found, pull, reviews.reply(found, pull, by, commentId, body));
    },
    /** Presses "Resolve conversation", or takes that back. */
    async resolveThread(
      repository: string,
      number: number,
      commentId: number,
      isResolved = true,
    ): Promise<void> {
      const [found, pull] = pullAs(repository, number, 'write', true);
      reviews.turnThread(found, pull, by, commentId, isResolved);
    },
    /** Presses one of the buttons, which GitHub shows on completed check runs only. */
    async clickCheckRunAction(repository: string, checkRunId: number, identifier: string): Promise<void> {
      const [found, run] = runAs(repository, checkRunId);
      if (run.status !== 'completed' || !run.actions.some((action) => action.identifier === identifier)) {
        throw new Error(`Check run ${checkRunId} shows no button ${identifier}`);
      }
      checks.announceRun(found, run, 'requested_action', by, { requested_action: { identifier } });
    },
    async rerequestCheckRun(repository: string, checkRunId: number): Promise<void> {
      const [found, run] = runAs(repository, checkRunId);
      checks.rerequestRun(found, run, by);
    },
    async rerequestCheckSuite(repository: string, suiteId: number): Promise<void> {
      const found = repositoryAs(repository, 'write');
      const suite = found.checkSuites.get(suiteId);
      if (!suite) throw new Error(`There is no check suite ${suiteId} in ${repository}`);
      await checks.rerequestSuite(found, suite, by);
    },
    /**
     * Commits files onto a branch, made from the default branch when it is new; `null` removes a file. Gives
     * the sha.
     */
    async pushFiles(
      repository: string,
      branch: string,
      files: Record<string, string | Buffer | null>,
      message: string,
    ): Promise<string> {
      return site.repositories.pushFiles(repositoryAs(repository, 'write'), by, branch, files, message);
    },
    async renameRepository(repository: string, name: string): Promise<void> {
      site.repositories.rename(repositoryAs(repository, 'admin'), by, name);
    },
    async transferRepository(repository: string, to: string): Promise<void> {
      const owner = world.account(to);
      if (!owner) throw new Error(`There is no account ${to}`);
      site.repositories.transfer(repositoryAs(repository, 'admin'), by, owner);
    },
    async archiveRepository(repository: string): Promise<void> {
      site.repositories.setArchived(repositoryAs(repository, 'admin'), by, true);
    },
    async unarchiveRepository(repository: string): Promise<void> {
      // The one change that an archived repository takes.
      const archived = world.repository(repository);
      if (!archived) throw new Error(`There is no repository ${repository}`);
      access.check(actor, archived, need('contents', 'read', 'admin'));
      site.repositories.setArchived(archived, by, false);
    },
    async deleteRepository(repository: string): Promise<void> {
      site.repositories.remove(repositoryAs(repository, 'admin'), by);
    },
    async createLabel(repository: string, name: string, color?: string): Promise<void> {
      labels.create(repositoryAs(repository, 'write'), by, { name, color });
    },
    async renameLabel(repository: string, from: string, to: string): Promise<void> {
      const found = repositoryAs(repository, 'write');
      labels.edit(found, labels.get(found, from), by, { name: to });
    },
    async deleteLabel(repository: string, name: string): Promise<void> {
      const found = repositoryAs(repository, 'write');
      labels.remove(found, labels.get(found, name), by);
    },
  };
}

export type Person = ReturnType<typeof createPerson>;
