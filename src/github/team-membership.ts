import type { TeamReading } from '../domain/who-may-start.ts';
import { nullWhenGone } from './find-or-create.ts';
import type { GitHubCall } from './github-call.ts';
import { GitHubError } from './github-error.ts';
import type { GitHub } from './github.ts';

/** Who is in a team; takes the permission `members: read` of the organisation, which the App need not have. */
export function createTeamReader({ call }: { call: GitHubCall }): Pick<GitHub, 'readTeams'> {
  return {
    async readTeams({ installationId, repository: { owner } }, login, teams): Promise<TeamReading> {
      let reading: TeamReading = { kind: 'none' };
      for (const name of teams) {
        const [org = '', team_slug = ''] = name.split('/');
        // Whoever rules another organisation must not be able to say who starts work here.
        if (org.toLowerCase() !== owner.toLowerCase()) {
          reading = { kind: 'unknown', reason: `${name} is no team of ${owner}` };
          continue;
        }
        try {
          const membership = await nullWhenGone(
            call(installationId, (octokit) =>
              octokit.rest.teams.getMembershipForUserInOrg({ org, team_slug, username: login }),
            ),
          );
          if (membership?.data.state === 'active') return { kind: 'member' };
        } catch (error) {
          if (!(error instanceof GitHubError) || error.kind !== 'forbidden') throw error;
          return { kind: 'unknown', reason: error.message };
        }
      }
      return reading;
    },
  };
}
