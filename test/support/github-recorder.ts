import type { IssueSnapshot } from '../../src/contract/issue-snapshot.ts';
import type { FailedCheck } from '../../src/contract/revision.ts';
import type { CheckRunContent } from '../../src/domain/check-run-content.ts';
import type { Permission } from '../../src/domain/permission.ts';
import { GitHubError } from '../../src/github/github-error.ts';
import type { GitHub, PullRequestReading } from '../../src/github/github.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { aJob, aRepository } from './job-builders.ts';

type CheckRun = {
  id: number;
  name: string;
  headCommit: string;
  externalId: string;
  content: CheckRunContent;
  /** Whose it is; ours when left out. */
  appId?: number;
};
type Token = { token: string; permissions: Readonly<Record<string, string>>; revoked: boolean };

/**
 * GitHub as a state that records what was asked of it, at the seam of our own `GitHub` type: for tests of dispatch that need to say
 * exactly when GitHub fails. Everything that goes over the wire is tested against the stand-in instead.
 */
export type GitHubRecorder = {
  github: GitHub;
  /** Names of the calls so far, reads included. */
  calls: string[];
  issue: { snapshot: IssueSnapshot; state: 'open' | 'closed'; found: boolean };
  permission: Permission;
  settingsFile: string | null;
  /** `repository:path` → text, for other repositories of the same owner. */
  settingsElsewhere: Record<string, string>;
  /** Branch → commit. */
  branches: Map<string, string>;
  checkRuns: CheckRun[];
  comments: { id: number; body: string }[];
  reactions: { commentId: number; reaction: string }[];
  pullRequests: { number: number; head: string; base: string; title: string; draft: boolean; body: string }[];
  /** What all pull requests are said to be now; `null`: none is there. */
  pullRequestNow: Pick<PullRequestReading, 'state' | 'mergeable'> | null;
  reviews: Awaited<ReturnType<GitHub['readReviews']>>;
  failedChecks: FailedCheck[];
  /** Answers to threads. */
  answers: { threadId: number; body: string }[];
  /** What pull requests were given, in their order. */
  wishes: Parameters<GitHub['addToPullRequest']>[2][];
  tokens: Token[];
  labels: string[];
  /** The next `times` calls of `name` fail; `after`: it was done nevertheless. */
  failNext(name: keyof GitHub, error: Error, options?: { times?: number; after?: boolean }): void;
};

export function createGitHubRecorder(clock: Pick<Clock, 'nowMs'>): GitHubRecorder {
  const repository = aRepository();
  const faults: { name: keyof GitHub; error: Error; left: number; after: boolean }[] = [];
  let lastId = 1000;
  const newId = (): number => (lastId += 1);
  const newCommit = (): string => newId().toString(16).padStart(40, '0');

  const state: Omit<GitHubRecorder, 'github' | 'failNext'> = {
    calls: [],
    issue: { snapshot: aJob().issue, state: 'open', found: true },
    permission: 'write',
    settingsFile: null,
    settingsElsewhere: {},
    branches: new Map([[repository.defaultBranch, newCommit()]]),
    checkRuns: [],
    comments: [],
    reactions: [],
    pullRequests: [],
    pullRequestNow: null,
    reviews: { comments: [], reviews: [] },
    failedChecks: [],
    answers: [],
    wishes: [],
    tokens: [],
    labels: [],
  };

  async function call<T>(name: keyof GitHub, work: () => T): Promise<T> {
    state.calls.push(name);
    const fault = faults.find((entry) => entry.name === name && entry.left > 0);
    if (fault) fault.left -= 1;
    if (fault && !fault.after) throw fault.error;
    const result = work();
    if (fault) throw fault.error;
    return result;
  }

  const messages = new Map<string, string>();
  const github: GitHub = {
    readRepository: () => call('readRepository', () => repository),
    readHead: (_target, branch) => call('readHead', () => state.branches.get(branch) ?? null),
    readClosingPullRequests: () => call('readClosingPullRequests', () => []),
    readComments: () => call('readComments', () => ({ comments: [], unread: 0 })),
    readIssue: () =>
      call('readIssue', () => {
        const { snapshot, state: issueState, found } = state.issue;
        if (!found) return { found: false, reason: 'it was deleted' };
        return {
          found: true,
          issue: snapshot,
          state: issueState,
          locked: false,
          isPullRequest: false,
          openBlockers: [],
        };
      }),
    readPermission: () => call('readPermission', () => state.permission),
    readTeams: () => call('readTeams', () => ({ kind: 'none' as const })),
    readSettingsFile: (_target, place) =>
      call('readSettingsFile', () =>
        place === undefined
          ? state.settingsFile
          : (state.settingsElsewhere[`${place.name}:${place.path}`] ?? null),
      ),
    changesFile: () => call('changesFile', () => false),
    ensureLabels: (_target, labels) =>
      call('ensureLabels', () => void state.labels.push(...labels.map((label) => label.name))),
    ensureStartCommit: (_target, { branch, message, takeOver }) =>
      call('ensureStartCommit', () => {
        const standing = state.branches.get(branch);
        const base = {
          branch: repository.defaultBranch,
          commit: state.branches.get(repository.defaultBranch) ?? '',
        };
        if (standing !== undefined && messages.get(standing) === message)
          return { base, startCommit: standing };
        if (standing !== undefined && !takeOver.includes(standing)) {
          throw new GitHubError('conflict', `The branch ${branch} stands elsewhere`, { status: 409 });
        }
        const startCommit = newCommit();
        messages.set(startCommit, message);
        state.branches.set(branch, startCommit);
        return { base, startCommit };
      }),
    ensureCheckRun: (_target, { name, headCommit, externalId, content, mayExist }) =>
      call('ensureCheckRun', () => {
        const known = state.checkRuns.find((run) => mayExist && run.externalId === externalId);
        const run = known ?? { id: newId(), name, headCommit, externalId, content };
        if (!known) state.checkRuns.push(run);
        return { id: run.id, url: `https://github.com/acme/widgets/runs/${run.id}` };
      }),
    updateCheckRun: (_target, id, content) =>
      call('updateCheckRun', () => {
        const run = state.checkRuns.find((other) => other.id === id);
        if (!run) throw new GitHubError('gone', `There is no check run ${id}`, { status: 404 });
        run.content = content;
      }),
    setExternalId: (_target, id, externalId) =>
      call('setExternalId', () => {
        const run = state.checkRuns.find((other) => other.id === id);
        if (run) run.externalId = externalId;
      }),
    readCheckRun: (_target, id) =>
      call('readCheckRun', () => {
        const run = state.checkRuns.find((other) => other.id === id);
        if (!run) throw new GitHubError('gone', `There is no check run ${id}`, { status: 404 });
        const { status, text = '' } = run.content;
        return { etag: null, appId: run.appId ?? 3, externalId: run.externalId, status, text };
      }),
    publishStatusComment: (_target, issueNumber, { commentId, mayRecreate, marker, body }) =>
      call('publishStatusComment', () => {
        const known = state.comments.find(
          (comment) => comment.id === commentId || comment.body.startsWith(marker),
        );
        if (!known && commentId !== null && !mayRecreate) return null;
        const comment = known ?? { id: newId(), body };
        if (!known) state.comments.push(comment);
        comment.body = body;
        return { id: comment.id, url: `https://github.com/acme/widgets/issues/${issueNumber}#${comment.id}` };
      }),
    reactToComment: (_target, { commentId }, reaction) =>
      call('reactToComment', () => void state.reactions.push({ commentId, reaction })),
    ensurePullRequest: (_target, { head, base, title, draft, body, headCommit, mayExist }) =>
      call('ensurePullRequest', () => {
        const isOpen = (state.pullRequestNow?.state ?? 'open') === 'open';
        // As with GitHub, a closed one hinders nobody from opening another.
        const counts = isOpen || (mayExist && headCommit === state.branches.get(head));
        const known = state.pullRequests.find((pull) => counts && pull.head === head);
        const pull = known ?? { number: newId(), head, base, title, draft, body };
        if (!known) state.pullRequests.push(pull);
        return {
          number: pull.number,
          url: `https://github.com/acme/widgets/pull/${pull.number}`,
          headCommit: state.branches.get(head) ?? '',
          isOpen: isOpen || !known,
        };
      }),
    assign: () => call('assign', () => null),
    readPullRequest: (_target, number) =>
      call('readPullRequest', () => {
        const pull = state.pullRequests.find((one) => one.number === number);
        if (state.pullRequestNow === null || !pull) return null;
        return {
          ...state.pullRequestNow,
          url: `https://github.com/acme/widgets/pull/${number}`,
          body: pull.body,
          headCommit: state.branches.get(pull.head) ?? '',
          base: pull.base,
          locked: false,
          mergedBy: null,
          closedAt: null,
        };
      }),
    readReviews: () => call('readReviews', () => state.reviews),
    answerThread: (_target, _number, { threadId, marker, body }) =>
      call('answerThread', () => {
        const text = `${marker}\n${body}`;
        state.answers.push({ threadId, body: text });
        const asked = state.reviews.comments.find(({ id }) => id === threadId);
        const author = { login: 'yardmaster[bot]', id: 9, isBot: true };
        if (asked) state.reviews.comments.push({ ...asked, id: newId(), author, body: text });
      }),
    readFailedOfCommit: () =>
      call('readFailedOfCommit', () => ({ checks: state.failedChecks, withoutLog: null })),
    readFailedChecks: () =>
      call('readFailedChecks', () => ({ checks: state.failedChecks, withoutLog: null })),
    changePullRequestBody: (_target, number, body) =>
      call('changePullRequestBody', () => {
        for (const pull of state.pullRequests) if (pull.number === number) pull.body = body;
      }),
    removeLabel: () => call('removeLabel', () => undefined),
    addToPullRequest: (_target, _number, wanted) =>
      call('addToPullRequest', () => {
        state.wishes.push(wanted);
        return [];
      }),
    deleteBranch: (_target, branch, commits) =>
      call('deleteBranch', () => {
        const standing = state.branches.get(branch);
        return standing !== undefined && commits.includes(standing) && state.branches.delete(branch);
      }),
    mintToken: (_target, permissions) =>
      call('mintToken', () => {
        const token = { token: `ghs_${newId()}`, permissions, revoked: false };
        state.tokens.push(token);
        return { token: token.token, expiresAtMs: clock.nowMs() + 3_600_000 };
      }),
    revokeToken: (token) =>
      call('revokeToken', () => {
        for (const known of state.tokens) if (known.token === token) known.revoked = true;
      }),
    identity: () =>
      call('identity', () => ({ appId: 3, slug: 'yardmaster', bot: { login: 'yardmaster[bot]', id: 9 } })),
  };

  return Object.assign(state, {
    github,
    failNext(name: keyof GitHub, error: Error, options: { times?: number; after?: boolean } = {}): void {
      faults.push({ name, error, left: options.times ?? 1, after: options.after ?? false });
    },
  });
}
