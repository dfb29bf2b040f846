import type { Permission } from '../domain/decide.ts';
import { nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

const KNOWN: ReadonlySet<string> = new Set<Permission>(['admin', 'write', 'read']);

export function createPermissionReader({ call }: { call: GitHubCall }): Pick<GitHub, 'readPermission'> {
  return {
    async readPermission(target, login) {
      const response = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.repos.getCollaboratorPermissionLevel({ ...toPath(target), username: login }),
        ),
      );
      const permission = response?.data.permission;
      // Whatever GitHub may come to call it: what we don't know grants nothing.
      return isPermission(permission) ? permission : 'none';
    },
  };
}

function isPermission(text: string | undefined): text is Permission {
  return text !== undefined && KNOWN.has(text);
}
