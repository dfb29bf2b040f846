import { decideCommands, type CommandDecision, type CommandSituation } from './decide-commands.ts';
import type { ButtonName } from './check-run-buttons.ts';
import type { Command } from './command-grammar.ts';
import type { Attempt, Job } from './job.ts';

/** A button of an attempt's check run, or GitHub's own "Re-run". */
export type PressWish = ButtonName | 'rerun';

/** Everything that is looked at when somebody presses a button of a check run. */
export type PressSituation = Pick<
  CommandSituation,
  | 'sender'
  | 'permission'
  | 'denial'
  | 'repository'
  | 'issue'
  | 'settings'
  | 'settingsProblem'
  | 'openPullRequests'
  | 'revision'
  | 'statusUrl'
> & {
  wish: PressWish;
  /** Whose check run it is. */
  job: Job;
  attempt: Pick<Attempt, 'id' | 'number'>;
  /** The attempt that the job is at. */
  currentAttemptId: Attempt['id'] | null;
  /** Jobs of the issue, the newest first, refused ones included. */
  jobs: readonly Job[];
};

/**
 * What a press comes to: what the command of the same name would, for the work that the check run is of. A check run whose work has been
 * taken up again since does nothing any more. `refuse`: the reason is Markdown that is safe to show.
 */
export function decidePress(situation: PressSituation): CommandDecision {
  const { wish, job } = situation;
  // One that was refused never was any work.
  const jobs = situation.jobs.filter(({ state }) => state !== 'refused');
  const { sender, permission, denial, repository, issue, settings, settingsProblem } = situation;
  const { openPullRequests, revision, statusUrl } = situation;
  const decision = decideCommands({
    lines: [{ line: 1, command: toCommand(wish, job) }],
    sender,
    permission,
    denial,
    repository,
    // A revision is asked for again where it was asked for.
    isPullRequest: job.kind === 'revise',
    issue,
    settings,
    settingsProblem,
    jobs,
    openPullRequests,
    revision,
    statusUrl,
    by: wish === 'rerun' ? 'by re-running its check run' : 'with a button of its check run',
  });
  if (decision.kind === 'refuse' && decision.code === 'permission') return decision;
  const stale = findStale(situation, jobs);
  return stale === null ? decision : { kind: 'refuse', code: 'not_now', reason: stale };
}

function toCommand(wish: PressWish, { kind, specialty, instructions }: Job): Command {
  switch (wish) {
    case 'retry':
    case 'rerun':
      return { name: 'retry', specialty };
    case 'cancel':
      return { name: 'cancel', specialty };
    case 'ask_again':
      if (kind === 'revise') return { name: 'fix', instructions };
      return { name: 'run', specialty, agent: null, model: null, instructions };
    default:
      return wish satisfies never;
  }
}

function findStale(
  { job, attempt, currentAttemptId, statusUrl }: PressSituation,
  jobs: readonly Job[],
): string | null {
  const newest = jobs.find(({ specialty }) => specialty === job.specialty);
  if (newest !== undefined && newest.id !== job.id) {
    return `The same work was asked for again since, so this check run does nothing any more. ${toNewest(statusUrl)}`;
  }
  if (attempt.id !== currentAttemptId) {
    return `Attempt ${job.attemptNumber} took the place of attempt ${attempt.number}, so this check run does nothing any more. \`/agent cancel\` stops the work.`;
  }
  return null;
}

function toNewest(statusUrl: string | null): string {
  return statusUrl === null
    ? 'Use the newest one, or `/agent status`.'
    : `The [status](${statusUrl}) leads to the newest one.`;
}
