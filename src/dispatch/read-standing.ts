import { mayWrite } from '../domain/permission.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import {
  dependsOnTeams,
  isBot,
  isSameLogin,
  judgeBot,
  judgePerson,
  OURSELVES,
  type Standing,
  type StartRules,
} from '../domain/who-may-start.ts';
import type { GitHub } from '../github/github.ts';

export type StandingDeps = { github: Pick<GitHub, 'readPermission' | 'readTeams' | 'identity'> };

/**
 * What somebody may do, the same for label, command, button and review; asked of GitHub each time. `rules` reads the settings only where they
 * count: for bots, and for people who may write. Throws `GitHubError`.
 */
export async function readStanding(
  target: RepositoryTarget,
  sender: Pick<Actor, 'login' | 'isBot'>,
  rules: () => Promise<StartRules>,
  { github }: StandingDeps,
): Promise<Standing> {
  const { login } = sender;
  if (isBot(sender)) {
    const { bot } = await github.identity();
    return isSameLogin(login, bot.login) ? OURSELVES : judgeBot(login, await rules());
  }
  const permission = await github.readPermission(target, login);
  if (!mayWrite(permission)) return { permission, denial: null };
  const wanted = await rules();
  const teams = dependsOnTeams(permission, wanted)
    ? await github.readTeams(target, login, wanted.teams)
    : ({ kind: 'none' } as const);
  return judgePerson({ login, permission, teams, rules: wanted });
}
