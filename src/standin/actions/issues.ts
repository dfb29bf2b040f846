import type { Doer } from '../access/actor.ts';
import { ApiError, notFound, validationFailed } from '../http/api-error.ts';
import { characterCount } from '../http/character-count.ts';
import type { Shapes } from '../shapes/shapes.ts';
import {
  hasRole,
  type Account,
  type Issue,
  type IssueEvent,
  type IssuePlace,
  type Label,
  type Repository,
  type World,
} from '../world.ts';
import type { AnnounceIssue } from './announce-issue.ts';
import type { LabelActions } from './labels.ts';

const longestBody = 65_536;
const longestTitle = 256;

/** Changes to issues, and to pull requests as far as they are issues. Every change sends its webhook. */
export function createIssueActions(deps: {
  world: World;
  clock: { nowMs(): number };
  shapes: Shapes;
  labels: LabelActions;
  announce: AnnounceIssue;
}) {
  const { world, clock, shapes, labels, announce } = deps;

  /** A number, an id and the plain fields: what issues and pull requests have in common at birth. */
  function create(repository: Repository, by: Doer, wanted: { title: string; body: string | null }): Issue {
    checkTexts(wanted);
    const now = clock.nowMs();
    const issue: Issue = {
      id: world.newId('issue'),
      number: repository.nextNumber,
      title: wanted.title,
      body: wanted.body,
      author: by.account,
      viaApp: by.viaApp,
      state: 'open',
      stateReason: null,
      locked: false,
      lockReason: null,
      labels: [],
      assignees: [],
      reactions: [],
      createdAtMs: now,
      updatedAtMs: now,
      closedAtMs: null,
      closedBy: null,
      events: [],
      pull: null,
      blockedBy: [],
      blocking: [],
      subIssues: [],
      type: null,
    };
    repository.nextNumber += 1;
    repository.issues.set(issue.number, issue);
    return issue;
  }

  /** Opens an issue. Labels bring an event each after `opened`. */
  async function open(
    repository: Repository,
    by: Doer,
    wanted: { title: string; body: string | null; labels: string[]; assignees: Account[] },
  ): Promise<Issue> {
    const issue = create(repository, by, wanted);
    const given = uniqueLabels(wanted.labels.map((name) => labels.ensure(repository, name, by)));
    issue.labels = given;
    issue.assignees = assignable(repository, wanted.assignees);
    await announce(repository, issue, 'opened', by);
    for (const label of given) await announceLabel(repository, issue, 'labeled', label, by);
    for (const assignee of issue.assignees)
      await announceAssignee(repository, issue, 'assigned', assignee, by);
    return issue;
  }

  async function edit(
    repository: Repository,
    issue: Issue,
    by: Doer,
    wanted: { title?: string | undefined; body?: string | null | undefined },
  ): Promise<void> {
    const title = wanted.title ?? issue.title;
    const body = wanted.body === undefined ? issue.body : wanted.body;
    checkTexts({ title, body });
    const changes = {
      ...(title === issue.title ? {} : { title: { from: issue.title } }),
      ...(body === issue.body ? {} : { body: { from: issue.body ?? '' } }),
    };
    if (Object.keys(changes).length === 0) return;
    Object.assign(issue, { title, body });
    touch(issue);
    await announce(repository, issue, 'edited', by, { changes });
  }

  async function addLabels(repository: Repository, issue: Issue, by: Doer, names: string[]): Promise<void> {
    const wanted = uniqueLabels(names.map((name) => labels.ensure(repository, name, by)));
    for (const label of wanted.filter((one) => !issue.labels.includes(one))) {
      issue.labels.push(label);
      touch(issue);
      await announceLabel(repository, issue, 'labeled', label, by);
    }
  }

  async function removeLabel(repository: Repository, issue: Issue, by: Doer, name: string): Promise<void> {
    const label = issue.labels.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (!label) throw new ApiError(404, 'Label does not exist');
    issue.labels = issue.labels.filter((one) => one !== label);
    touch(issue);
    await announceLabel(repository, issue, 'unlabeled', label, by);
  }

  async function setLabels(repository: Repository, issue: Issue, by: Doer, names: string[]): Promise<void> {
    const kept = new Set(names.map((name) => name.toLowerCase()));
    for (const label of issue.labels.filter((one) => !kept.has(one.name.toLowerCase()))) {
      await removeLabel(repository, issue, by, label.name);
    }
    await addLabels(repository, issue, by, names);
  }

  /** Whoever may not push is left out in silence, as on GitHub. */
  async function setAssignees(
    repository: Repository,
    issue: Issue,
    by: Doer,
    wanted: Account[],
  ): Promise<void> {
    const next = assignable(repository, wanted);
    const before = issue.assignees;
    for (const gone of before.filter((one) => !next.includes(one))) {
      issue.assignees = issue.assignees.filter((one) => one !== gone);
      touch(issue);
      await announceAssignee(repository, issue, 'unassigned', gone, by);
    }
    for (const added of next.filter((one) => !before.includes(one))) {
      issue.assignees = [...issue.assignees, added];
      touch(issue);
      await announceAssignee(repository, issue, 'assigned', added, by);
    }
  }

  /** Once is enough. */
  function block(blocked: IssuePlace, blocker: IssuePlace): void {
    if (blocked.issue.blockedBy.some(({ issue }) => issue === blocker.issue)) return;
    blocked.issue.blockedBy.push(blocker);
    blocker.issue.blocking.push(blocked);
    touch(blocked.issue);
  }

  function addSubIssue(parent: IssuePlace, part: IssuePlace): void {
    if (parent.issue.subIssues.some(({ issue }) => issue === part.issue)) return;
    parent.issue.subIssues.push(part);
    touch(parent.issue);
  }

  function setType(issue: Issue, name: string): void {
    issue.type = { id: world.newId('issueType'), name };
    touch(issue);
  }

  function unblock(blocked: IssuePlace, blocker: IssuePlace): void {
    blocked.issue.blockedBy = blocked.issue.blockedBy.filter(({ issue }) => issue !== blocker.issue);
    blocker.issue.blocking = blocker.issue.blocking.filter(({ issue }) => issue !== blocked.issue);
    touch(blocked.issue);
  }

  async function close(
    repository: Repository,
    issue: Issue,
    by: Doer,
    reason: 'completed' | 'not_planned' | 'duplicate' = 'completed',
  ): Promise<void> {
    if (issue.state === 'closed') return;
    touch(issue);
    issue.state = 'closed';
    issue.stateReason = issue.pull ? null : reason;
    issue.closedAtMs = clock.nowMs();
    issue.closedBy = by.account;
    note(issue, 'closed', by);
    await announce(repository, issue, 'closed', by);
  }

  async function reopen(repository: Repository, issue: Issue, by: Doer): Promise<void> {
    if (issue.state === 'open') return;
    touch(issue);
    issue.state = 'open';
    issue.stateReason = issue.pull ? null : 'reopened';
    issue.closedAtMs = null;
    issue.closedBy = null;
    note(issue, 'reopened', by);
    await announce(repository, issue, 'reopened', by);
  }

  async function setLocked(
    repository: Repository,
    issue: Issue,
    by: Doer,
    locked: boolean,
    reason: string | null = null,
  ): Promise<void> {
    issue.locked = locked;
    issue.lockReason = locked ? reason : null;
    touch(issue);
    await announce(repository, issue, locked ? 'locked' : 'unlocked', by);
  }

  async function remove(repository: Repository, issue: Issue, by: Doer): Promise<void> {
    repository.issues.delete(issue.number);
    repository.deletedIssues.add(issue.number);
    await announce(repository, issue, 'deleted', by);
    removeComments(repository, issue.number);
  }

  /**
   * Moves an issue to another repository of the same owner: comments come along, labels only where the name
   * exists.
   */
  async function transfer(from: Repository, issue: Issue, to: Repository, by: Doer): Promise<Issue> {
    if (issue.pull || from.owner !== to.owner || (from.private && !to.private)) {
      throw validationFailed({ resource: 'Issue', code: 'unprocessable', message: 'Cannot be transferred' });
    }
    const moved = create(to, { account: issue.author, viaApp: issue.viaApp }, issue);
    moved.labels = issue.labels.flatMap((label) => labels.find(to, label.name) ?? []);
    moved.assignees = assignable(to, issue.assignees);
    for (const comment of from.comments.values().filter((one) => one.issueNumber === issue.number)) {
      const id = world.newId('comment');
      to.comments.set(id, { ...comment, id, issueNumber: moved.number });
    }
    from.issues.delete(issue.number);
    from.transferredIssues.set(issue.number, { repository: to, number: moved.number });
    await announce(from, issue, 'transferred', by, {
      changes: {
        new_issue: shapes.issues.issue(to, moved),
        new_repository: shapes.repositories.repository(to),
      },
    });
    removeComments(from, issue.number);
    await announce(to, moved, 'opened', by, {
      changes: {
        old_issue: shapes.issues.issue(from, issue),
        old_repository: shapes.repositories.repository(from),
      },
    });
    return moved;
  }

  function touch(issue: Issue): void {
    issue.updatedAtMs = clock.nowMs();
  }

  function note(issue: Issue, kind: IssueEvent['kind'], by: Doer, label: Label | null = null): void {
    issue.events.push({
      id: world.newId('issueEvent'),
      kind,
      actor: by.account,
      viaApp: by.viaApp,
      label: label && { name: label.name, color: label.color },
      createdAtMs: clock.nowMs(),
    });
  }

  function announceLabel(
    repository: Repository,
    issue: Issue,
    action: 'labeled' | 'unlabeled',
    label: Label,
    by: Doer,
  ): Promise<void> {
    note(issue, action, by, label);
    return announce(repository, issue, action, by, { label: shapes.repositories.label(repository, label) });
  }

  function announceAssignee(
    repository: Repository,
    issue: Issue,
    action: string,
    assignee: Account,
    by: Doer,
  ): Promise<void> {
    return announce(repository, issue, action, by, { assignee: shapes.accounts.user(assignee) });
  }

  return {
    create,
    open,
    edit,
    addLabels,
    removeLabel,
    setLabels,
    setAssignees,
    block,
    unblock,
    addSubIssue,
    setType,
    close,
    reopen,
    setLocked,
    remove,
    transfer,
    touch,
  };
}

export type IssueActions = ReturnType<typeof createIssueActions>;

/** The issue of this number, or 404. */
export function issueOf(repository: Repository, number: number): Issue {
  const issue = repository.issues.get(number);
  if (!issue) throw notFound();
  return issue;
}

function checkTexts(wanted: { title: string; body: string | null }): void {
  if (wanted.title.trim() === '') {
    throw validationFailed({ resource: 'Issue', field: 'title', code: 'missing_field' });
  }
  if (characterCount(wanted.title) > longestTitle) {
    throw validationFailed({
      resource: 'Issue',
      field: 'title',
      code: 'custom',
      message: `title is too long (maximum is ${longestTitle} characters)`,
    });
  }
  if (characterCount(wanted.body ?? '') > longestBody) {
    throw validationFailed({
      resource: 'Issue',
      field: 'body',
      code: 'custom',
      message: `body is too long (maximum is ${longestBody} characters)`,
    });
  }
}

function removeComments(repository: Repository, issueNumber: number): void {
  for (const comment of repository.comments.values()) {
    if (comment.issueNumber === issueNumber) repository.comments.delete(comment.id);
  }
}

function assignable(repository: Repository, accounts: readonly Account[]): Account[] {
  return [...new Set(accounts)]
    .filter((one) => one.type === 'User' && hasRole(repository, one, 'write'))
    .slice(0, 10);
}

function uniqueLabels(labels: readonly Label[]): Label[] {
  return [...new Set(labels)];
}
