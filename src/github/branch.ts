import type { RepositoryTarget } from '../domain/trigger.ts';
import { nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** The commit that a branch stands at; `null` when there is no such branch. */
export async function readBranchHead(
  call: GitHubCall,
  target: RepositoryTarget,
  branch: string,
): Promise<string | null> {
  const response = await nullWhenGone(
    call(target.installationId, (octokit) =>
      octokit.rest.git.getRef({ ...toPath(target), ref: `heads/${branch}` }),
    ),
  );
  return response?.data.object.sha ?? null;
}

export function createBranches({ call }: { call: GitHubCall }): Pick<GitHub, 'deleteBranch' | 'readHead'> {
  return {
    readHead: (target, branch) => readBranchHead(call, target, branch),

    async deleteBranch(target, branch, commits) {
      if (branch === target.repository.defaultBranch) return false;
      const head = await readBranchHead(call, target, branch);
      if (head === null || !commits.includes(head)) return false;
      try {
        await call(target.installationId, (octokit) =>
          octokit.rest.git.deleteRef({ ...toPath(target), ...ONCE, ref: `heads/${branch}` }),
        );
      } catch (error) {
        // It went away at the same moment, or the answer got lost: gone is gone.
        if ((await readBranchHead(call, target, branch)) !== null) throw error;
      }
      return true;
    },
  };
}
