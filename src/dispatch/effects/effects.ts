import type { JobId } from '../../contract/identifiers.ts';
import type { Effect } from '../../domain/effect.ts';
import { giveUpStart, startAttempt } from './attempt-start.ts';
import { giveUpMail, sendMail } from './check-run-mail.ts';
import { answerCommand } from './answer-command.ts';
import { updateCheckRun } from './check-run.ts';
import { cleanBranch } from './clean-branch.ts';
import { cleanLabel } from './clean-label.ts';
import type { EffectContext, EffectDeps } from './effect-deps.ts';
import { publishEvidence } from './evidence.ts';
import { giveUpPullRequest, openPullRequest } from './pull-request.ts';
import { grantPullRequestWishes } from './pull-request-wishes.ts';
import { followLabels } from '../follow-labels.ts';
import { lookAtWaiting } from '../waiting-jobs.ts';
import { assignIssue } from './assign-issue.ts';
import { answerPress } from './press-answer.ts';
import { answerThreads, giveUpAnswers } from './revision-answers.ts';
import { ensureLabels } from './labels.ts';
import { labelForPeople } from './needs-human.ts';
import { lookAtChecks } from './look-at-checks.ts';
import { lookAtConflicts } from './look-at-conflicts.ts';
import { beginNextRound } from './next-round.ts';
import { publishNote } from './note.ts';
import { checkProposedSettings } from './settings-check.ts';
import { publishStatusComment } from './status-comment.ts';
import { whileClaimed } from './while-claimed.ts';

/** What each kind of effect does on GitHub. */
export type Effects = {
  /** Makes it true, from the store as it is now; nothing happens if it isn't needed any more. May be repeated. Throws `GitHubError`, and `ClaimLapsed`. */
  carryOut(effect: Effect, context: EffectContext): Promise<void>;
  /** It can't be made true: writes down why, and ends what can't go on without it. */
  giveUp(effect: Effect, error: Error): Promise<void>;
};

export function createEffects(given: EffectDeps): Effects {
  const { store } = given;

  return {
    async carryOut(effect, context) {
      const deps = { ...given, github: whileClaimed(given.github, context.makeSureOfClaim) };
      switch (effect.kind) {
        case 'attempt-start':
          return startAttempt(effect.attemptId, context, deps);
        case 'check-run':
          return updateCheckRun(effect.attemptId, deps);
        case 'check-run-mail':
          return sendMail(effect.attemptId, deps);
        case 'status-comment':
          return publishStatusComment(effect, deps);
        case 'pull-request':
          return openPullRequest(effect.jobId, context, deps);
        case 'pull-request-wishes':
          return grantPullRequestWishes(effect.jobId, deps);
        case 'evidence':
          return publishEvidence(effect, context, deps);
        case 'clean-branch':
          return cleanBranch(effect.jobId, deps);
        case 'clean-label':
          return cleanLabel(effect.jobId, deps);
        case 'assign-issue':
          return assignIssue(effect.jobId, deps);
        case 'job-priority':
          return followLabels(effect.jobId, deps);
        case 'look-at-blockers':
          await lookAtWaiting(effect.jobId, deps);
          return undefined;
        case 'command':
          return answerCommand(effect, context, deps);
        case 'press-answer':
          return answerPress(effect.key, deps);
        case 'revision-answers':
          return answerThreads(effect.jobId, context, deps);
        case 'needs-human':
          return labelForPeople(effect, deps);
        case 'look-at-conflicts':
          return lookAtConflicts(effect.jobId, deps);
        case 'look-at-checks':
          return lookAtChecks(effect.jobId, deps);
        case 'next-round':
          return beginNextRound(effect.jobId, deps);
        case 'note':
          return publishNote(effect.key, deps);
        case 'settings-check':
          return checkProposedSettings(effect, context, deps);
        case 'labels':
          return ensureLabels(effect, context, deps);
        case 'revoke-tokens':
          return deps.tokens.revokeAll(effect);
        default:
          return effect satisfies never;
      }
    },

    async giveUp(effect, error) {
      switch (effect.kind) {
        case 'attempt-start':
          return giveUpStart(effect.attemptId, error, given);
        case 'pull-request':
          return giveUpPullRequest(effect.jobId, error, given);
        case 'check-run-mail':
          return giveUpMail(effect.attemptId, error, given);
        case 'check-run':
        case 'revoke-tokens': {
          const attempt = await store.attempts.get(effect.attemptId);
          return attempt ? tell(attempt.jobId, effect, error) : undefined;
        }
        case 'revision-answers':
          return giveUpAnswers(effect.jobId, error, given);
        case 'evidence':
        case 'pull-request-wishes':
        case 'needs-human':
        case 'clean-branch':
        case 'clean-label':
        case 'assign-issue':
          return tell(effect.jobId, effect, error);
        case 'status-comment': {
          const [newest] = await store.jobs.ofIssue(effect.repositoryId, effect.issueNumber, 1);
          return newest ? tell(newest.id, effect, error) : undefined;
        }
        case 'job-priority':
        case 'look-at-blockers':
        case 'look-at-conflicts':
        case 'look-at-checks':
        case 'next-round':
          // The sweep looks again.
          return undefined;
        case 'command':
        case 'press-answer':
        case 'note':
        case 'settings-check':
        case 'labels':
          // It belongs to no job; the outbox has logged it.
          return undefined;
        default:
          return effect satisfies never;
      }
    },
  };

  async function tell(jobId: JobId, effect: Effect, error: Error): Promise<void> {
    const text = `GitHub refused the ${effect.kind.replaceAll('-', ' ')}: ${error.message}`;
    await store.transact((tx) => tx.tell(jobId, 'effect_refused', text));
  }
}
