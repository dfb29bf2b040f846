import type { Timings } from '../domain/timings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Store } from '../store/store.ts';
import type { Assigner } from './assigner.ts';
import type { AttemptTokens } from './attempt-tokens.ts';
import type { AppIdentity } from './job-spec.ts';

/** What the calls of the dispatcher work with. */
export type DispatchDeps = {
  store: Store;
  tokens: AttemptTokens;
  assigner: Assigner;
  /** The App on GitHub, asked for once. May throw `GitHubError`. */
  identity: () => Promise<AppIdentity>;
  /** REST root without a slash at the end. */
  githubApiUrl: string;
  /** Ids that sort by time. */
  newId: () => string;
  /** How long a lease given now lasts: longer while the coordinator is being stopped. */
  leaseSeconds: () => number;
  clock: Clock;
  random: Random;
  timings: Timings;
  log: Logger;
};
