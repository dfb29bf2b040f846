import { Buffer } from 'node:buffer';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { isKind } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** Opens a pull request that adds one file, or finds it: what an earlier try has done is not done again. Throws `GitHubError`. */
export type ProposeFile = (
  target: RepositoryTarget,
  wanted: { branch: string; base: string; path: string; text: string; title: string; body: string },
) => Promise<{ url: string }>;

export function createProposeFile(deps: {
  call: GitHubCall;
  github: Pick<GitHub, 'readHead' | 'readSettingsFile' | 'ensurePullRequest'>;
}): ProposeFile {
  const { call, github } = deps;

  return async (target, { branch, base, path, text, title, body }) => {
    const { installationId } = target;
    const { owner, name } = target.repository;
    const there = await github.readHead(target, branch);
    if (there === null) {
      const sha = await github.readHead(target, base);
      try {
        await call(installationId, (octokit) =>
          octokit.rest.git.createRef({
            ...toPath(target),
            ...ONCE,
            ref: `refs/heads/${branch}`,
            sha: sha ?? '',
          }),
        );
      } catch (error) {
        // Somebody else was first.
        if (!isKind(error, 'conflict')) throw error;
      }
    }
    if ((await github.readSettingsFile(target, { owner, name, path }, branch)) === null) {
      const content = Buffer.from(text).toString('base64');
      await call(installationId, (octokit) =>
        octokit.rest.repos.createOrUpdateFileContents({
          ...toPath(target),
          ...ONCE,
          path,
          branch,
          message: title,
          content,
        }),
      );
    }
    return github.ensurePullRequest(target, {
      head: branch,
      base,
      title,
      body,
      draft: false,
      headCommit: null,
      mayExist: false,
    });
  };
}
