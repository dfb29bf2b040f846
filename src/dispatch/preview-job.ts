import type { RunnerId } from '../contract/identifiers.ts';
import type { JobPreview } from '../contract/job.ts';
import type { RunnerRequest } from '../contract/runner-api.ts';
import { chooseSpecialty } from '../domain/choose-specialty.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { GitHubError } from '../github/github-error.ts';
import type { GitHub } from '../github/github.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/store.ts';
import { accepted, type Answer, refused } from './answer.ts';
import { withComments } from './read-comments.ts';
import { readSettingsWithAliases } from './read-situation.ts';

/** More in a minute is no person who looks at a prompt, and would use up GitHub's limits. */
const MOST_A_MINUTE = 6;

export type PreviewCall = {
  runner: { id: RunnerId; name: string; specialties: readonly string[] };
  request: Pick<RunnerRequest<'preview'>, 'repository' | 'issueNumber' | 'specialty'>;
};

/** What a job on an issue would be, without any: nothing is stored, and nothing said on GitHub. */
export type PreviewJob = (call: PreviewCall) => Promise<Answer<JobPreview>>;

/**
 * For runners' owners, who want to see what their agent would be told. A runner hears of issues that nobody asked it to work on: so only in
 * repositories of ours, only for specialties that it has, a few times a minute, with a line in the log, and without any token.
 */
export function createPreviewJob(deps: {
  store: Pick<Store, 'jobs' | 'memory' | 'sweeps' | 'nowMs'>;
  github: Pick<
    GitHub,
    'readRepository' | 'readIssue' | 'readComments' | 'readPermission' | 'readSettingsFile' | 'readHead'
  >;
  githubApiUrl: string;
  clock: Pick<Clock, 'nowMs'>;
  log: Logger;
}): PreviewJob {
  const { store, github, clock, log } = deps;
  const askedAtMs = new Map<RunnerId, number[]>();

  return async ({ runner, request }) => {
    if (isTooOften(runner.id)) {
      return refused('rate_limited', `A runner may ask ${MOST_A_MINUTE} times a minute. Try again soon.`);
    }
    log.info({ runner: runner.name, ...request }, 'A runner asked what a job would be');
    const known = await findRepository(request.repository);
    if (known === null) {
      return refused(
        'not_found',
        `The App is not installed on ${request.repository}, as far as the coordinator knows.`,
      );
    }
    try {
      return await preview(known, { runner, request });
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      const isPassing = error.kind === 'unavailable' || error.kind === 'rate_limited';
      return refused(isPassing ? 'unavailable' : 'not_found', `GitHub can’t be asked: ${error.message}`);
    }
  };

  async function preview(
    known: RepositoryTarget,
    { runner, request }: PreviewCall,
  ): Promise<Answer<JobPreview>> {
    const { installationId } = known;
    const repository = await github.readRepository({ installationId, fullName: request.repository });
    const target = { installationId, repository };
    const [{ settings }, reading, commit] = await Promise.all([
      readSettingsWithAliases(target, deps),
      github.readIssue(target, request.issueNumber),
      github.readHead(target, repository.defaultBranch),
    ]);
    if (!reading.found)
      return refused('not_found', `#${request.issueNumber} can’t be read: ${reading.reason}.`);
    if (reading.isPullRequest)
      return refused('policy_refused', `#${request.issueNumber} is a pull request; name an issue.`);
    if (commit === null)
      return refused('policy_refused', `${request.repository} is empty: it needs a first commit.`);
    const choice = chooseSpecialty(request.specialty, runner.specialties, reading.issue, settings);
    if (!choice.ok) return refused('policy_refused', choice.reason);

    const asking = { at: new Date(clock.nowMs()).toISOString(), commentId: null };
    const said = await withComments(target, reading, asking, {}, deps);
    const { specialty } = choice;
    const found = settings.specialties.get(specialty);
    if (!said.found || found === undefined) throw new Error('What was found a moment ago is gone');
    return accepted({
      kind: 'resolve',
      specialty,
      githubApiUrl: deps.githubApiUrl,
      repository,
      issue: said.issue,
      instructions: null,
      requestedBy: runner.name,
      base: { branch: repository.defaultBranch, commit },
      settings: found.settings,
    });
  }

  async function findRepository(fullName: string): Promise<RepositoryTarget | null> {
    const wanted = fullName.toLowerCase();
    const known = await store.sweeps.repositories();
    return (
      known.find(({ repository: { owner, name } }) => `${owner}/${name}`.toLowerCase() === wanted) ?? null
    );
  }

  function isTooOften(runnerId: RunnerId): boolean {
    const nowMs = clock.nowMs();
    const recent = (askedAtMs.get(runnerId) ?? []).filter((ms) => nowMs - ms < 60_000);
    const isOver = recent.length >= MOST_A_MINUTE;
    askedAtMs.set(runnerId, isOver ? recent : [...recent, nowMs]);
    return isOver;
  }
}
