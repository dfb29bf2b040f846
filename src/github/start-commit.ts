import type { RepositoryTarget } from '../domain/trigger.ts';
import { readBranchHead } from './branch.ts';
import { isKind } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import { GitHubError } from './github-error.ts';
import type { GitHub, StartCommit } from './github.ts';

type Wanted = Parameters<GitHub['ensureStartCommit']>[1];
type Head = { commit: string; tree: string };

/**
 * The start commit of an attempt. Its message names the attempt, so a branch that stands at a commit with this very message is
 * the work of an earlier call whose answer was lost.
 */
export function createStartCommits({ call }: { call: GitHubCall }): Pick<GitHub, 'ensureStartCommit'> {
  return { ensureStartCommit };

  async function ensureStartCommit(target: RepositoryTarget, wanted: Wanted): Promise<StartCommit> {
    const base = wanted.base ?? target.repository.defaultBranch;
    // Only a former attempt of this job can have made the branch; without one, the creation itself tells.
    const standing = wanted.takeOver.length === 0 ? null : await readBranchHead(call, target, wanted.branch);
    if (standing !== null && !wanted.takeOver.includes(standing)) return recognise(target, wanted, standing);

    const head = await readBase(target, base);
    const startCommit = await createCommit(target, wanted.message, head);
    if (standing === null) {
      const found = await createBranch(target, wanted, startCommit);
      if (found !== null) return found;
    } else {
      await moveBranch(target, wanted.branch, startCommit);
    }
    return { base: { branch: base, commit: head.commit }, startCommit };
  }

  async function readBase(target: RepositoryTarget, branch: string): Promise<Head> {
    try {
      const { data } = await call(target.installationId, (octokit) =>
        octokit.rest.repos.getBranch({ ...toPath(target), branch }),
      );
      return { commit: data.commit.sha, tree: data.commit.commit.tree.sha };
    } catch (error) {
      if (!isKind(error, 'gone')) throw error;
      if (branch !== target.repository.defaultBranch) {
        throw new GitHubError(
          'invalid',
          `There is no branch "${branch}", which pull_request.base of the settings names; create it, or mend the settings`,
          { status: 404, cause: error },
        );
      }
      throw new GitHubError(
        'gone',
        `The default branch "${branch}" is not there; an empty repository needs a first commit`,
        { status: 404, cause: error },
      );
    }
  }

  async function createCommit(target: RepositoryTarget, message: string, base: Head): Promise<string> {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.git.createCommit({
        ...toPath(target),
        ...ONCE,
        message,
        tree: base.tree,
        parents: [base.commit],
      }),
    );
    return data.sha;
  }

  /** `null` when the branch was created; otherwise what stands there already. */
  async function createBranch(
    target: RepositoryTarget,
    wanted: Wanted,
    startCommit: string,
  ): Promise<StartCommit | null> {
    try {
      await call(target.installationId, (octokit) =>
        octokit.rest.git.createRef({
          ...toPath(target),
          ...ONCE,
          ref: `refs/heads/${wanted.branch}`,
          sha: startCommit,
        }),
      );
      return null;
    } catch (error) {
      if (!isKind(error, 'conflict') && !isKind(error, 'unavailable')) throw error;
      const standing = await readBranchHead(call, target, wanted.branch);
      if (standing === null) throw error;
      return standing === startCommit ? null : recognise(target, wanted, standing);
    }
  }

  async function moveBranch(target: RepositoryTarget, branch: string, commit: string): Promise<void> {
    await call(target.installationId, (octokit) =>
      octokit.rest.git.updateRef({ ...toPath(target), ref: `heads/${branch}`, sha: commit, force: true }),
    );
  }

  async function recognise(
    target: RepositoryTarget,
    { branch, base, message }: Wanted,
    standing: string,
  ): Promise<StartCommit> {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.git.getCommit({ ...toPath(target), commit_sha: standing }),
    );
    const [parent] = data.parents;
    if (data.message.trimEnd() !== message.trimEnd() || parent === undefined) {
      throw new GitHubError(
        'conflict',
        `The branch "${branch}" stands at ${standing.slice(0, 12)}, which is not of this job. Delete or rename it, then try again`,
      );
    }
    return {
      base: { branch: base ?? target.repository.defaultBranch, commit: parent.sha },
      startCommit: standing,
    };
  }
}
