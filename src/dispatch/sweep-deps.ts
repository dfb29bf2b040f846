import type { ReviewCommentReading } from '../domain/choose-review-comments.ts';
import type { Timings } from '../domain/timings.ts';
import type { RepositoryTarget, Trigger } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { ListedComment, ListedIssue, SweepReads } from '../github/sweep-reads.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/store.ts';
import type { AcceptTrigger } from './accept-trigger.ts';

/** What the sweeps work with. */
export type SweepDeps = {
  store: Store;
  github: GitHub;
  reads: SweepReads;
  acceptTrigger: AcceptTrigger;
  /** Whether anything comes of such a webhook, e.g. `issues.labeled`. */
  isHandled: (event: string) => boolean;
  /** What the commands of a comment ask for, as its webhook would; `null` when it holds none that count. */
  toCommentTrigger: (
    target: RepositoryTarget,
    issue: Pick<ListedIssue, 'number' | 'title' | 'body' | 'isPullRequest'>,
    comment: ListedComment,
  ) => Trigger | null;
  /** The same of a comment in a thread on lines of a pull request, as it is now. */
  toThreadTrigger: (
    target: RepositoryTarget,
    pull: Pick<ListedIssue, 'number' | 'title' | 'body'>,
    comment: ReviewCommentReading,
  ) => Trigger | null;
  clock: Clock;
  timings: Timings;
  log: Logger;
};

/** One repository, as a round of the issue sweep looks at it. */
export type SweepLook = {
  target: RepositoryTarget;
  /** ISO 8601: what changed before was looked at by the rounds before. */
  since: string;
  /** ISO 8601: what was said up to then was not said to us. */
  notBefore: string;
  /** Those that changed since then. */
  issues: readonly ListedIssue[];
  nowMs: number;
};

/** What a round came to, for the log: counts by kind; all 0 or missing when nothing was amiss. */
export type SweepFindings = Readonly<Record<string, number>>;
