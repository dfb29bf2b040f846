import type { OpenPullRequest } from '../domain/open-pull-requests.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { Store } from '../store/store.ts';
import { JOBS_READ } from './jobs-read.ts';

type OpenPullRequestDeps = {
  store: Pick<Store, 'jobs'>;
  github: Pick<GitHub, 'readPullRequest' | 'readClosingPullRequests'>;
};

/**
 * Pull requests that work on this issue has led to, and that are open: those that we take for open are asked of GitHub, since nobody may
 * have told us of their end. None is the ordinary case, and costs no request. `withLinked`: those of others that would close the issue, too,
 * for one request.
 */
export async function readOpenPullRequests(
  target: RepositoryTarget,
  issueNumber: number,
  withLinked: boolean,
  { store, github }: OpenPullRequestDeps,
): Promise<OpenPullRequest[]> {
  const jobs = await store.jobs.ofIssue(target.repository.id, issueNumber, JOBS_READ);
  const open: OpenPullRequest[] = [];
  const seen = new Set<number>();
  for (const job of jobs) {
    if (job.pullRequest === null || seen.has(job.pullRequest.number)) continue;
    const { number, url, ended } = job.pullRequest;
    // Of several jobs whose work is in one, the newest knows what became of it.
    seen.add(number);
    if (ended !== undefined) continue;
    const pull = await github.readPullRequest(target, number);
    if (pull?.state === 'open') open.push({ job, number, url });
  }
  if (!withLinked) return open;
  const closing = await github.readClosingPullRequests(target, issueNumber);
  return [
    ...open,
    ...closing.filter(({ number }) => !seen.has(number)).map((pull) => ({ job: null, ...pull })),
  ];
}
