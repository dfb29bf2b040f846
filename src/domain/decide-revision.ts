import type { FailedCheck, RevisionCause } from '../contract/revision.ts';
import { explainSettingsProblem } from './command-refusal-text.ts';
import type { ReviewWork } from './choose-review-comments.ts';
import type { IssueReading } from './decide.ts';
import { isTerminal } from './job-lifecycle.ts';
import type { AllJobSettings, Job, JobRevision } from './job.ts';
import { toCode, toInline } from './markdown-escape.ts';
import { findLabelPriority, type LabelPriority } from './priority-labels.ts';
import type { RepoSettings } from './repo-settings.ts';
import { BUDGETS } from './timings.ts';

/** A pull request with work of ours, as GitHub has it now. */
export type RevisionReading = {
  /** The newest job whose work is in it. */
  job: Job;
  /** Who did that work. */
  runnerId: JobRevision['runnerId'];
  pull: {
    number: number;
    url: string;
    state: 'open' | 'merged' | 'closed';
    headCommit: string;
    locked: boolean;
    /** GitHub can't merge it into its base branch as it is. */
    hasConflicts: boolean;
  };
  work: ReviewWork;
};

/** Who or what wants a pull request reworked. */
export type RevisionWish = {
  cause: RevisionCause;
  /** Nobody looks at the pull request between two rounds that bots ask for, so they are counted. */
  isOfBot?: boolean;
  instructions: string | null;
  checks: FailedCheck[];
};

export type RevisionSituation = {
  wish: RevisionWish;
  /** `null`: it is none of ours, or can't be read. */
  reading: RevisionReading | null;
  /** Behind the pull request. */
  issue: IssueReading;
  settings: RepoSettings;
  /** Why the repository's own settings can't be used, for people. */
  settingsProblem: string | null;
  /** Jobs of the issue, the newest first, refused ones included. */
  jobs: readonly Job[];
};

/** What is to be made of a wish. */
export type RevisionDecision =
  | {
      kind: 'revise';
      job: Job;
      specialty: string;
      needs: string[];
      settings: AllJobSettings;
      instructions: string | null;
      /** Of the work, if the issue still has it. */
      label: string | null;
      labelPriority: LabelPriority | null;
      revision: JobRevision;
    }
  | {
      kind: 'refused';
      /** `rounds`: a person has to look at it. `busy`: another one is under way. `nothing`: there is nothing to do. */
      code: 'not_ours' | 'not_now' | 'nothing' | 'busy' | 'rounds';
      /** Markdown that is safe to show. */
      reason: string;
    };

/** Whether a pull request of ours is reworked. The permission of whoever asks is looked at elsewhere. */
export function decideRevision(situation: RevisionSituation): RevisionDecision {
  const { wish, reading, issue, settings, settingsProblem, jobs } = situation;
  if (reading === null) {
    const reason =
      'This is no pull request of Yardmaster, so there is nothing for it to rework. To have an issue worked on, write `/agent run` there.';
    return refuse('not_ours', reason);
  }
  const { job, pull, work } = reading;
  if (pull.state !== 'open') {
    return refuse(
      'not_now',
      `The pull request was ${pull.state}. To have more done, write \`/agent run\` on its issue.`,
    );
  }
  if (pull.locked) {
    return refuse(
      'not_now',
      'The conversation is locked, so nothing could be answered here. Unlock it, then ask again.',
    );
  }
  if (!issue.found)
    return refuse(
      'not_now',
      `The issue behind it can’t be read: ${toInline(issue.reason, 300)}. Without it nothing can be reworked: finish the pull request by hand, or close it.`,
    );
  if (issue.state === 'closed' || issue.locked) {
    const what = issue.state === 'closed' ? 'closed. Reopen it' : 'locked. Unlock it';
    return refuse('not_now', `Issue #${issue.issue.number}, which this is for, is ${what}, then ask again.`);
  }
  if (settingsProblem !== null) return refuse('not_now', explainSettingsProblem(settingsProblem, 'fix'));
  const wanted = settings.specialties.get(job.specialty);
  if (wanted === undefined) {
    return refuse(
      'not_now',
      `The settings know no specialty ${toCode(job.specialty, 50)} any more. Put it back into them, then write \`/agent fix\`.`,
    );
  }
  const live = jobs.find((other) => other.specialty === job.specialty && !isTerminal(other.state));
  if (live !== undefined) {
    const reason = `A ${toCode(job.specialty, 50)} job is under way on this already. \`/agent status\` tells where it stands; ask again when it is over.`;
    return refuse('busy', reason);
  }

  const before = jobs.find(
    (other) => other.state !== 'refused' && other.revision?.pullRequest.number === pull.number,
  )?.revision;
  const counted = wish.cause === 'asked' && wish.isOfBot !== true ? 1 : (before?.counted ?? 0) + 1;
  if (counted > BUDGETS.revisionRounds) {
    const reason = `I have reworked this pull request ${BUDGETS.revisionRounds} times in a row without a command, and stop here.`;
    return refuse('rounds', reason);
  }
  const isMore = work.threads.length + work.reviews.length + wish.checks.length > 0 || pull.hasConflicts;
  if (wish.instructions === null && !isMore) {
    const reason =
      'I found no unanswered review comment by somebody with write access. Say what to do: `/agent fix <instructions>`';
    return refuse('nothing', reason);
  }
  const { reviewers, ...said } = work;
  return {
    kind: 'revise',
    job,
    specialty: job.specialty,
    needs: wanted.needs,
    settings: wanted.settings,
    instructions: wish.instructions,
    label: issue.issue.labels.find((name) => name.toLowerCase() === job.label?.toLowerCase()) ?? null,
    labelPriority: findLabelPriority(issue.issue.labels, settings.priorityLabels),
    revision: {
      pullRequest: { number: pull.number, url: pull.url },
      cause: wish.cause,
      round: (before?.round ?? 0) + 1,
      counted,
      ...said,
      checks: wish.checks,
      mergeBase: pull.hasConflicts,
      reviewers,
      runnerId: reading.runnerId,
    },
  };
}

function refuse(
  code: Extract<RevisionDecision, { kind: 'refused' }>['code'],
  reason: string,
): RevisionDecision {
  return { kind: 'refused', code, reason };
}
