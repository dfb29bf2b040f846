import { chooseReviewWork, findReviewers, type ReviewWork } from '../domain/choose-review-comments.ts';
import { findFailedRevision } from '../domain/decide-commands.ts';
import type { CommandLine } from '../domain/command-grammar.ts';
import type { RevisionReading } from '../domain/decide-revision.ts';
import type { Permission } from '../domain/permission.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store } from '../store/store.ts';
import { JOBS_READ } from './jobs-read.ts';

export type RevisionReadingDeps = {
  store: Pick<Store, 'jobs' | 'attempts' | 'reviews'>;
  github: Pick<GitHub, 'readPullRequest' | 'readReviews' | 'readPermission' | 'identity'>;
};

const NO_WORK: ReviewWork = {
  reviews: [],
  threads: [],
  commentsLeftOut: { untrusted: 0, edited: 0, unread: 0 },
  reviewers: [],
  laterThreads: [],
};
/** The pull request that a comment's commands want reworked; `null`: none. `jobs`: of the issue, the newest first. */
export function findRevised(
  lines: readonly CommandLine[],
  jobs: readonly StoredJob[],
  { issueNumber, isPullRequest }: { issueNumber: number; isPullRequest: boolean },
): number | null {
  for (const { command } of lines) {
    if (command.name === 'fix' && isPullRequest) return issueNumber;
    const failed = command.name === 'retry' ? findFailedRevision(jobs, command.specialty) : null;
    if (failed?.revision) return failed.revision.pullRequest.number;
  }
  return null;
}

/**
 * A pull request with work of ours, and what is to be done about it; `null`: it is none of ours, or gone. Costs three requests, and one for each
 * person who spoke there. `at`: when the work was asked for; `known`: permissions that were read already, by login. Throws `GitHubError`.
 */
export async function readRevision(
  target: RepositoryTarget,
  pullRequestNumber: number,
  asking: { at: string; known: Readonly<Record<string, Permission>> },
  deps: RevisionReadingDeps,
): Promise<RevisionReading | null> {
  const { store, github } = deps;
  const job = await store.jobs.ofPullRequest(target.repository.id, pullRequestNumber);
  const pull = job && (await github.readPullRequest(target, pullRequestNumber));
  if (!pull) return null;
  const attempt = job.attemptId === null ? null : await store.attempts.get(job.attemptId);
  const { url, state, headCommit, locked } = pull;
  return {
    job,
    runnerId: attempt?.runner?.id ?? null,
    pull: {
      number: pullRequestNumber,
      url,
      state,
      headCommit,
      locked,
      hasConflicts: pull.mergeable === false,
    },
    work: state === 'open' ? await readWork(target, pullRequestNumber, job, asking, deps) : NO_WORK,
  };
}

async function readWork(
  target: RepositoryTarget,
  pullRequestNumber: number,
  { issue }: StoredJob,
  { at, known }: { at: string; known: Readonly<Record<string, Permission>> },
  { store, github }: RevisionReadingDeps,
): Promise<ReviewWork> {
  const repositoryId = target.repository.id;
  const [{ comments, reviews }, { bot }, resolved, jobs] = await Promise.all([
    github.readReviews(target, pullRequestNumber),
    github.identity(),
    store.reviews.resolvedThreads(repositoryId, pullRequestNumber),
    store.jobs.ofIssue(repositoryId, issue.number, JOBS_READ),
  ]);
  const permissions = new Map(Object.entries(known));
  await Promise.all(
    findReviewers({ comments, reviews, at }, new Set(permissions.keys())).map(async (login) => {
      permissions.set(login, await github.readPermission(target, login));
    }),
  );
  // What was said before the last one that got through was a part of it.
  const last = jobs.find(
    ({ state, revision }) => state === 'succeeded' && revision?.pullRequest.number === pullRequestNumber,
  );
  return chooseReviewWork({
    comments,
    reviews,
    at,
    permissions,
    resolved,
    botLogin: bot.login,
    sinceMs: last?.createdAtMs ?? 0,
  });
}
