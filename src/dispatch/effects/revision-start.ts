import { GitHubError } from '../../github/github-error.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Where a revision begins, or why it can't any more. */
export type RevisionStart =
  | { kind: 'start'; base: { branch: string; commit: string }; baseHead: string }
  | { kind: 'ended'; reason: string };

/**
 * A revision begins where the branch of its pull request stands, whoever put that there: the push at its end is fenced by this commit, and goes
 * nowhere when somebody else was faster. Throws `GitHubError`.
 */
export async function readRevisionStart(
  job: StoredJob,
  { github }: Pick<EffectDeps, 'github'>,
): Promise<RevisionStart> {
  if (job.revision === null)
    return { kind: 'ended', reason: 'Nobody knows any more which pull request it is about' };
  const target = toTarget(job);
  const { number } = job.revision.pullRequest;
  const pull = await github.readPullRequest(target, number);
  if (pull === null) return { kind: 'ended', reason: `Pull request #${number} can’t be read any more` };
  if (pull.state !== 'open') return { kind: 'ended', reason: `Pull request #${number} was ${pull.state}` };
  const [head, baseHead] = await Promise.all([
    github.readHead(target, job.branch),
    github.readHead(target, pull.base),
  ]);
  if (head === null)
    return { kind: 'ended', reason: `The branch ${job.branch} of pull request #${number} is gone` };
  if (baseHead === null) {
    throw new GitHubError(
      'invalid',
      `There is no branch "${pull.base}", which pull request #${number} goes into`,
    );
  }
  return { kind: 'start', base: { branch: pull.base, commit: head }, baseHead };
}
