import { PERMISSIONS, type Permission } from '../domain/permission.ts';
import { nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

const KNOWN: ReadonlySet<string> = new Set(PERMISSIONS);

export function createPermissionReader({ call }: { call: GitHubCall }): Pick<GitHub, 'readPermission'> {
  return {
    async readPermission(target, login) {
      const response = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.repos.getCollaboratorPermissionLevel({ ...toPath(target), username: login }),
        ),
      );
      const permission = response?.data.permission;
      // GitHub's coarse word for it is write, whatever the role is called.
      if (permission === 'write' && response?.data.user?.permissions?.maintain === true) return 'maintain';
      // Whatever GitHub may come to call it: what we don't know grants nothing.
      return isPermission(permission) ? permission : 'none';
    },
  };
}

function isPermission(text: string | undefined): text is Permission {
  return text !== undefined && KNOWN.has(text);
}
