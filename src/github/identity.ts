import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { toError } from '../lib/to-error.ts';
import { withGitHubErrors } from './github-call.ts';
import { GitHubError } from './github-error.ts';
import type { GitHub } from './github.ts';
import { type Octokit, createTokenOctokit } from './probot-octokit.ts';

type Identity = Awaited<ReturnType<GitHub['identity']>>;

/** Who we are on GitHub. Asked once; a failure is asked again. */
export function createIdentity(deps: {
  appOctokit: () => Promise<Octokit>;
  octokitFor: (installationId: number) => Promise<Octokit>;
  apiUrl: string;
  clock: Pick<Clock, 'nowMs'>;
  log: Logger;
}): Pick<GitHub, 'identity'> {
  const { appOctokit, octokitFor, apiUrl, clock, log } = deps;
  let known: Promise<Identity> | null = null;

  return {
    identity() {
      known ??= withGitHubErrors(clock, read).catch((error: unknown) => {
        known = null;
        throw error;
      });
      return known;
    },
  };

  async function read(): Promise<Identity> {
    const { data: app } = await (await appOctokit()).rest.apps.getAuthenticated();
    if (app === null || app.slug === undefined) {
      throw new GitHubError('invalid', 'GitHub does not know the slug of the App');
    }
    const login = `${app.slug}[bot]`;
    return { appId: app.id, slug: app.slug, bot: { login, id: await readUserId(login) } };
  }

  /** The bot's user id is not the App's id. The App itself may not ask for users: only nobody and installations may. */
  async function readUserId(login: string): Promise<number> {
    try {
      return await readUserIdAs(createTokenOctokit({ baseUrl: apiUrl, token: null, log }), login);
    } catch (thrown) {
      log.debug({ err: toError(thrown) }, 'Nobody may ask for users here, asking as an installation');
      const { data: installations } = await (await appOctokit()).rest.apps.listInstallations({ per_page: 1 });
      const [first] = installations;
      if (first === undefined) throw thrown;
      return readUserIdAs(await octokitFor(first.id), login);
    }
  }
}

async function readUserIdAs(octokit: Octokit, login: string): Promise<number> {
  const { data } = await octokit.rest.users.getByUsername({ username: login });
  return data.id;
}
