import type { Doer } from '../access/actor.ts';
import type { Objects } from '../git/objects.ts';
import type { Refs } from '../git/refs.ts';
import type { Writer } from '../git/writer.ts';
import { ApiError, validationFailed } from '../http/api-error.ts';
import { asPull, type Pull } from '../shapes/pull-shapes.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Account, Repository, World } from '../world.ts';
import { closingNumbers } from './closing-numbers.ts';
import type { AnnounceIssue } from './announce-issue.ts';
import type { IssueActions } from './issues.ts';

/** Changes to pull requests that are not changes to the issue behind them. They move no branches. */
export function createPullActions(deps: {
  world: World;
  clock: { nowMs(): number };
  objects: Objects;
  refs: Refs;
  writer: Writer;
  issues: IssueActions;
  shapes: Shapes;
  announce: AnnounceIssue;
}) {
  const { world, clock, objects, refs, writer, issues, shapes, announce } = deps;

  async function open(
    repository: Repository,
    by: Doer,
    wanted: {
      title: string;
      body: string | null;
      head: string;
      base: string;
      draft: boolean;
      maintainerCanModify: boolean;
    },
  ): Promise<Pull> {
    const head = withoutOwner(repository, wanted.head);
    const headSha = await branchTip(repository, head, 'head');
    const baseSha = await branchTip(repository, wanted.base, 'base');
    await checkNew(repository, { head, base: wanted.base, headSha, baseSha });

    const issue = issues.create(repository, by, wanted);
    issue.pull = {
      id: world.newId('pull'),
      head,
      base: wanted.base,
      headSha,
      baseSha,
      draft: wanted.draft,
      maintainerCanModify: wanted.maintainerCanModify,
      requestedReviewers: [],
      mergedAtMs: null,
      mergedBy: null,
      mergeCommitSha: null,
    };
    await writer.setRef(repository.folder, headRef(issue.number), headSha);
    await announce(repository, issue, 'opened', by);
    return toPull(issue);
  }

  /** Heads are `branch` or `owner:branch`; other owners would mean forks, which do not exist here. */
  function withoutOwner(repository: Repository, head: string): string {
    const colon = head.indexOf(':');
    if (colon < 0) return head;
    if (head.slice(0, colon).toLowerCase() !== repository.owner.login.toLowerCase())
      throw invalidField('head');
    return head.slice(colon + 1);
  }

  async function branchTip(repository: Repository, branch: string, field: string): Promise<string> {
    const sha = await refs.branch(repository.folder, branch);
    if (sha === null) throw invalidField(field);
    return sha;
  }

  async function checkNew(
    repository: Repository,
    wanted: { head: string; base: string; headSha: string; baseSha: string },
  ): Promise<void> {
    if ((await objects.count(repository.folder, wanted.baseSha, wanted.headSha)) === 0) {
      throw custom(`No commits between ${wanted.base} and ${wanted.head}`);
    }
    if ((await objects.mergeBase(repository.folder, wanted.baseSha, wanted.headSha)) === null) {
      throw custom(`The ${wanted.head} branch has no history in common with ${wanted.base}`);
    }
    const twin = openPulls(repository).find(
      (one) => one.pull.head === wanted.head && one.pull.base === wanted.base,
    );
    if (twin) {
      throw custom(`A pull request already exists for ${repository.owner.login}:${wanted.head}.`);
    }
  }

  async function changeBase(repository: Repository, pull: Pull, by: Doer, base: string): Promise<void> {
    if (base === pull.pull.base) return;
    const baseSha = await branchTip(repository, base, 'base');
    const before = pull.pull;
    pull.pull = { ...before, base, baseSha };
    issues.touch(pull);
    await announce(repository, pull, 'edited', by, {
      changes: { base: { ref: { from: before.base }, sha: { from: before.baseSha } } },
    });
  }

  async function setDraft(repository: Repository, pull: Pull, by: Doer, draft: boolean): Promise<void> {
    if (draft === pull.pull.draft) return;
    pull.pull.draft = draft;
    issues.touch(pull);
    await announce(repository, pull, draft ? 'converted_to_draft' : 'ready_for_review', by);
  }

  async function requestReviewers(
    repository: Repository,
    pull: Pull,
    by: Doer,
    wanted: Account[],
  ): Promise<void> {
    for (const reviewer of wanted) {
      if (reviewer === pull.author) {
        throw new ApiError(422, 'Review cannot be requested from pull request author.');
      }
      if (pull.pull.requestedReviewers.includes(reviewer)) continue;
      pull.pull.requestedReviewers.push(reviewer);
      issues.touch(pull);
      await announce(repository, pull, 'review_requested', by, {
        requested_reviewer: shapes.accounts.user(reviewer),
      });
    }
  }

  /** The head branch moved: the pull request follows. */
  async function follow(repository: Repository, pull: Pull, by: Doer, after: string): Promise<void> {
    const before = pull.pull.headSha;
    pull.pull.headSha = after;
    pull.pull.baseSha = (await refs.branch(repository.folder, pull.pull.base)) ?? pull.pull.baseSha;
    issues.touch(pull);
    await writer.setRef(repository.folder, headRef(pull.number), after);
    await announce(repository, pull, 'synchronize', by, { before, after });
  }

  /** Its commits are on the base branch now: GitHub calls that merged, however they came there. */
  async function markMerged(
    repository: Repository,
    pull: Pull,
    by: Doer,
    mergeCommitSha: string,
  ): Promise<void> {
    pull.pull.mergedAtMs = clock.nowMs();
    pull.pull.mergedBy = by.account;
    pull.pull.mergeCommitSha = mergeCommitSha;
    await issues.close(repository, pull, by);
    if (pull.pull.base !== repository.defaultBranch) return;
    for (const number of closingNumbers(pull.body ?? '')) {
      const issue = repository.issues.get(number);
      if (issue && !issue.pull) await issues.close(repository, issue, by);
    }
  }

  return { open, changeBase, setDraft, requestReviewers, follow, markMerged };
}

export type PullActions = ReturnType<typeof createPullActions>;

export function openPulls(repository: Repository): Pull[] {
  return [...repository.issues.values()].flatMap((issue) =>
    issue.state === 'open' ? (asPull(issue) ?? []) : [],
  );
}

function toPull(issue: Parameters<typeof asPull>[0]): Pull {
  const pull = asPull(issue);
  if (!pull) throw new Error('An issue just made into a pull request is none');
  return pull;
}

function headRef(number: number): string {
  return `refs/pull/${number}/head`;
}

function invalidField(field: string): ApiError {
  return validationFailed({ resource: 'PullRequest', field, code: 'invalid' });
}

function custom(message: string): ApiError {
  return validationFailed({ resource: 'PullRequest', code: 'custom', message });
}
