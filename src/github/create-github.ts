import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { createActionsLogs } from './actions-log.ts';
import { createBranches } from './branch.ts';
import { createCheckRuns } from './check-run.ts';
import { createClosingReader } from './closing-pull-requests.ts';
import { createGitHubCall } from './github-call.ts';
import type { GitHub } from './github.ts';
import { createIdentity } from './identity.ts';
import { createCommentReader } from './issue-comments.ts';
import { createInstallationUrls } from './installation-url.ts';
import { createInstallationLimits } from './installation-limits.ts';
import { createIssueReader } from './issue.ts';
import { createJobTokens } from './job-token.ts';
import { createLabels } from './labels.ts';
import { createPermissionReader } from './permission.ts';
import { createFailedChecks } from './failed-checks.ts';
import type { Octokit } from './probot-octokit.ts';
import { createProposeFile, type ProposeFile } from './propose-file.ts';
import { createPullRequests } from './pull-request.ts';
import { createReviews } from './reviews.ts';
import { createSettingsReader } from './repo-file.ts';
import { createRecoveryReads, type RecoveryReads } from './recovery-reads.ts';
import { createPullRequestWishes } from './pull-request-wishes.ts';
import { createReactions } from './reaction.ts';
import { createRepositoryReader } from './repository.ts';
import { createStartCommits } from './start-commit.ts';
import { createStatusComments } from './status-comment.ts';
import { createTeamReader } from './team-membership.ts';
import { createSweepReads, type SweepReads } from './sweep-reads.ts';

/** Everything that the coordinator does on GitHub, over the clients of an `OctokitFactory`. */
export function createGitHub(deps: {
  octokitFor: (installationId: number) => Promise<Octokit>;
  appOctokit: () => Promise<Octokit>;
  /** REST root without a slash at the end. */
  apiUrl: string;
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  log: Logger;
}): GitHub & { sweeps: SweepReads & RecoveryReads; proposeFile: ProposeFile } {
  const limits = createInstallationLimits(deps.clock);
  const call = createGitHubCall({ ...deps, limits, installationUrl: createInstallationUrls(deps) });
  const { identity } = createIdentity(deps);
  const { readRepository } = createRepositoryReader({ call });
  const github: GitHub = {
    identity,
    readRepository,
    ...createIssueReader({ call, readRepository }),
    ...createClosingReader({ call }),
    ...createCommentReader({ call }),
    ...createPermissionReader({ call }),
    ...createTeamReader({ call }),
    ...createSettingsReader({ call }),
    ...createLabels({ call }),
    ...createStartCommits({ call }),
    ...createCheckRuns({ call, identity, log: deps.log }),
    ...createStatusComments({ call, identity }),
    ...createReactions({ call }),
    ...createPullRequests({ call, identity }),
    ...createPullRequestWishes({ call }),
    ...createReviews({ call, identity }),
    ...createFailedChecks({ call, ...createActionsLogs({ call, apiUrl: deps.apiUrl }) }),
    ...createBranches({ call }),
    ...createJobTokens({ ...deps, limits }),
  };
  return {
    ...github,
    proposeFile: createProposeFile({ call, github }),
    sweeps: { ...createSweepReads({ ...deps, call }), ...createRecoveryReads({ call, identity }) },
  };
}
