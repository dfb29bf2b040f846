import type { AttemptId } from '../contract/identifiers.ts';
import type { Decision, Situation } from '../domain/decide.ts';
import type { Timings } from '../domain/timings.ts';
import type { GitHub } from '../github/github.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store, StoreTx } from '../store/store.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';

/** What triggers are dealt with by. Of GitHub only what reads: whatever is to be written goes through the outbox. */
export type TriggerDeps = {
  store: Store;
  github: Pick<
    GitHub,
    | 'readIssue'
    | 'readPermission'
    | 'readTeams'
    | 'readComments'
    | 'readSettingsFile'
    | 'readPullRequest'
    | 'readClosingPullRequests'
    | 'readReviews'
    | 'readFailedChecks'
    | 'changesFile'
    | 'identity'
  >;
  decide: (situation: Situation) => Decision;
  newId: () => string;
  /** Takes what the runner of the attempt says in its check run, if it is one that only reaches GitHub. May throw `GitHubError`. */
  lookAtCheckRun: (attemptId: AttemptId) => Promise<void>;
  timings: Timings;
  log: Logger;
};

/** Runs `work` in one transaction with the key of the trigger, once. */
export type RecordTrigger = (work: (tx: StoreTx) => Promise<TriggerOutcome>) => Promise<TriggerOutcome>;
