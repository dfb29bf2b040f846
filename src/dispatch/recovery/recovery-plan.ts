import type { AttemptId } from '../../contract/identifiers.ts';
import type { IssueSnapshot } from '../../contract/issue-snapshot.ts';
import type { Situation } from '../../domain/decide.ts';
import type { Timings } from '../../domain/timings.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import type { GitHub } from '../../github/github.ts';
import type { RecoveryReads } from '../../github/recovery-reads.ts';
import type { SweepReads } from '../../github/sweep-reads.ts';
import type { Random } from '../../lib/random.ts';
import type { MessageKey } from '../../lib/signed-message.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { Store } from '../../store/store.ts';
import type { Claim } from './read-claim.ts';
import type { JobFacts } from './recovery-marker.ts';

/** GitHub's clock and ours may differ by this much. */
export const CLOCKS_APART_MS = 5 * 60_000;

/** What recovery works with. */
export type RecoveryDeps = {
  store: Store;
  github: GitHub;
  reads: SweepReads & RecoveryReads;
  recoveryKey: Uint8Array;
  /** Of the messages from and to runners that only reach GitHub. */
  mailKey: MessageKey;
  newId: () => string;
  random: Random;
  timings: Pick<Timings, 'overrunSeconds'>;
};

/** The attempt that a job was at, as far as GitHub knows. */
export type OldAttempt = {
  id: AttemptId;
  number: number;
  startCommit: string | null;
  /** What the commit at which its branch stands was made on. */
  parent: string | null;
  /** Work that was pushed and led to no pull request. */
  pushedCommit: string | null;
  checkRun: StoredAttempt['checkRun'];
};

/** What becomes of a job that GitHub knows of. */
export type RecoveredJob = {
  target: RepositoryTarget;
  commentId: number;
  facts: JobFacts;
  issue: IssueSnapshot | null;
  oldAttempt: OldAttempt | null;
} & (
  | { kind: 'again'; reason: string; needs: string[]; settings: Situation['settings'] }
  /** Its runner only reaches GitHub, and has it: it goes on, and what it reports is taken. */
  | { kind: 'goes_on'; reason: string; needs: string[]; settings: Situation['settings']; claim: Claim }
  | { kind: 'linked'; reason: string; pullRequest: { number: number; url: string } }
  /** It is over, and its pull request is open: that can be reworked. */
  | {
      kind: 'published';
      reason: string;
      pullRequest: { number: number; url: string };
      settings: Situation['settings'];
    }
  | { kind: 'ended'; reason: string }
);

/** What is to be done, before any of it is. */
export type RecoveryPlan = {
  repositories: RepositoryTarget[];
  jobs: RecoveredJob[];
  /** What a label asked for that is over, so that it is not taken for new. */
  dealtWith: { target: RepositoryTarget; issueNumber: number; label: string; untilMs: number }[];
  /** Branches of attempts that no comment tells of: their issues' labels start them anew. */
  strays: { target: RepositoryTarget; branch: string; commit: string; checkRunId: number }[];
  /** Comments whose marks were not written by this App's coordinator, or for another issue. */
  notBelieved: { target: RepositoryTarget; issueNumber: number }[];
};
