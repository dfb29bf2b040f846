import type { JobSettings, JobSpec } from '../contract/job.ts';
import { toBudget } from '../domain/day-rest.ts';
import type { AllJobSettings, Attempt, Job } from '../domain/job.ts';
import { toNoreplyAddress } from '../domain/noreply-address.ts';
import { checkRunName } from '../domain/check-run-text.ts';
import { toExternalId } from './check-run-identity.ts';

/** The App as GitHub knows it. */
export type AppIdentity = { appId: number; slug: string; bot: { login: string; id: number } };

/** All that a runner needs for an attempt; `null` while its start commit or check run is missing. */
export function toJobSpec(
  job: Job,
  attempt: Attempt,
  app: { identity: AppIdentity; githubApiUrl: string },
): JobSpec | null {
  if (attempt.base === null || attempt.startCommit === null || attempt.checkRun === null) return null;
  const { bot, appId } = app.identity;
  return {
    jobId: job.id,
    attemptId: attempt.id,
    attemptNumber: attempt.number,
    kind: job.kind,
    specialty: job.specialty,
    githubApiUrl: app.githubApiUrl,
    repository: job.repository,
    issue: job.issue,
    instructions: job.instructions,
    requestedBy: job.requestedBy,
    ...(job.requestedById === null ? {} : { requestedById: job.requestedById }),
    base: attempt.base,
    ...toRevision(job, attempt),
    branch: job.branch,
    startCommit: attempt.startCommit,
    checkRun: {
      id: attempt.checkRun.id,
      name: checkRunName(job.specialty),
      externalId: toExternalId(attempt),
      appId,
    },
    // GitHub shows commits with this address as the bot's own.
    commitAuthor: { name: bot.login, email: toNoreplyAddress(`${bot.id}+${bot.login}`, app.githubApiUrl) },
    settings: { ...toRunnerSettings(job.settings), ...toBudget(job, attempt) },
  };
}

/** Whom to ask again, who comes first, and what comes next, is no concern of runners. */
function toRevision({ revision }: Job, { baseHead }: Attempt): Pick<JobSpec, 'revision'> {
  if (revision === null || baseHead === null) return {};
  const {
    counted: _counted,
    reviewers: _reviewers,
    laterThreads: _later,
    runnerId: _runnerId,
    ...facts
  } = revision;
  return { revision: { ...facts, baseCommit: baseHead } };
}

/** When the work begins, and what becomes of it on GitHub, is no concern of runners. */
function toRunnerSettings(all: AllJobSettings): JobSettings {
  const {
    pullRequest: _pr,
    quiet: _quiet,
    assignIssue: _assign,
    after: _after,
    concurrency: _concurrency,
    paused: _paused,
    ...settings
  } = all;
  return settings;
}
