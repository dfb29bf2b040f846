import type { AttemptId, JobId } from '../contract/identifiers.ts';
import type { CommentRef } from './trigger.ts';

/**
 * Something that should be true on GitHub. An effect names only *what*; the text is made from the store when it is carried out, so
 * the newest state always wins and a burst of changes costs one write.
 */
export type Effect =
  /** The attempt has its start commit and its check run; then the job can be offered. */
  | { kind: 'attempt-start'; attemptId: AttemptId }
  /** The coordinator's last word on an attempt's check run. */
  | { kind: 'check-run'; attemptId: AttemptId }
  /** The coordinator's part of the check run says what a runner that only reaches GitHub has to know. */
  | { kind: 'check-run-mail'; attemptId: AttemptId }
  | { kind: 'status-comment'; repositoryId: number; issueNumber: number }
  | { kind: 'pull-request'; jobId: JobId }
  /** Reviewers, labels and assignee of the job's pull request, as the settings say. */
  | { kind: 'pull-request-wishes'; jobId: JobId }
  /**
   * The check run with the evidence, on the commit that the job has pushed; with `commit`, the check run on that later head of the branch,
   * which says that the evidence is of another one.
   */
  | { kind: 'evidence'; jobId: JobId; commit?: string }
  | { kind: 'clean-branch'; jobId: JobId }
  /** The label that asked for the job is off its issue, now that the pull request has ended. */
  | { kind: 'clean-label'; jobId: JobId }
  /** The issue of the job is assigned to whoever asked, as the settings say. */
  | { kind: 'assign-issue'; jobId: JobId }
  /** A job that waits has the priority that the labels of its issue stand for. */
  | { kind: 'job-priority'; jobId: JobId }
  /** A job that waits for open issues goes on if they are closed by now. */
  | { kind: 'look-at-blockers'; jobId: JobId }
  /** The comment bears what came of its commands as a reaction, and has its answer, if there is one. `place`: absent = the conversation. */
  | { kind: 'command'; repositoryId: number; commentId: number; place?: CommentRef['place'] }
  /** Whoever pressed a button in vain finds the reason on the issue. */
  | { kind: 'press-answer'; key: string }
  /** The threads of reviews that a revision was about have their answers, and the reviewers are asked again. */
  | { kind: 'revision-answers'; jobId: JobId }
  /** The pull request of a revision is labelled as one that a person has to look at, or not any more. */
  | { kind: 'needs-human'; jobId: JobId; isNeeded: boolean }
  /** Where a job's pull request can't be merged without conflicts, they are worked on, if the settings say so. */
  | { kind: 'look-at-conflicts'; jobId: JobId }
  /** Where checks of others have failed on a job's pull request, they are worked on, if the settings say so. */
  | { kind: 'look-at-checks'; jobId: JobId }
  /** What a review wants that came while the pull request was worked on is begun, now that this job is over. */
  | { kind: 'next-round'; jobId: JobId }
  /** What is to be said once stands on its issue or pull request. */
  | { kind: 'note'; key: string }
  /** The check run that says what the settings file of this commit means, or what is wrong with it. */
  | { kind: 'settings-check'; repositoryId: number; fullName: string; commit: string; isFork: boolean }
  | { kind: 'labels'; repositoryId: number; fullName: string }
  /** The tokens of whoever had the attempt in this epoch; the next one's are left alone. */
  | { kind: 'revoke-tokens'; attemptId: AttemptId; epoch: number };

export type EffectKind = Effect['kind'];

/** The same thing that should be true has the same key. */
export function toEffectKey(effect: Effect): string {
  switch (effect.kind) {
    case 'attempt-start':
    case 'check-run':
    case 'check-run-mail':
      return `${effect.kind}:${effect.attemptId}`;
    case 'revoke-tokens':
      return `${effect.kind}:${effect.attemptId}:${effect.epoch}`;
    case 'evidence':
      return `${effect.kind}:${effect.jobId}${effect.commit === undefined ? '' : `:${effect.commit}`}`;
    case 'press-answer':
    case 'note':
      return `${effect.kind}:${effect.key}`;
    case 'pull-request':
    case 'pull-request-wishes':
    case 'clean-branch':
    case 'clean-label':
    case 'look-at-blockers':
    case 'job-priority':
    case 'assign-issue':
    case 'revision-answers':
    case 'needs-human':
    case 'look-at-conflicts':
    case 'look-at-checks':
    case 'next-round':
      return `${effect.kind}:${effect.jobId}`;
    case 'status-comment':
      return `${effect.kind}:${effect.repositoryId}#${effect.issueNumber}`;
    case 'command': {
      const { place = 'conversation' } = effect;
      return `${effect.kind}:${effect.repositoryId}:${effect.commentId}${place === 'conversation' ? '' : `:${place}`}`;
    }
    case 'settings-check':
      return `${effect.kind}:${effect.repositoryId}:${effect.commit}${effect.isFork ? ':fork' : ''}`;
    case 'labels':
      return `${effect.kind}:${effect.repositoryId}`;
    default:
      return effect satisfies never;
  }
}

/** Within an installation: what fences comes first, then what starts and ends work, then what tells of it. Higher goes first. */
const EFFECT_PRIORITY: Readonly<Record<EffectKind, number>> = {
  'revoke-tokens': 70,
  'check-run-mail': 65,
  'pull-request': 60,
  'check-run': 50,
  'attempt-start': 40,
  'job-priority': 39,
  'look-at-blockers': 38,
  // A round after a review resolves conflicts as well.
  'next-round': 37,
  'look-at-conflicts': 36,
  'look-at-checks': 36,
  evidence: 35,
  'pull-request-wishes': 34,
  command: 33,
  'press-answer': 33,
  'revision-answers': 33,
  note: 33,
  'needs-human': 32,
  'settings-check': 32,
  'status-comment': 30,
  'clean-branch': 20,
  'clean-label': 20,
  'assign-issue': 15,
  labels: 10,
};

/** `final`: it tells how something ended, which goes before all that tells of progress. */
export function effectPriority(kind: EffectKind, weight: 'progress' | 'final'): number {
  return EFFECT_PRIORITY[kind] + (weight === 'final' ? 15 : 0);
}
