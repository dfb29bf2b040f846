import type { LabelDefinition } from '../../domain/labels.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import type { Timings } from '../../domain/timings.ts';
import type { GitHub } from '../../github/github.ts';
import type { Logger } from '../../lib/logger.ts';
import type { MessageKey } from '../../lib/signed-message.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import type { Store } from '../../store/store.ts';
import type { AttemptTokens } from '../attempt-tokens.ts';
import type { ReportTexts } from '../report-texts.ts';

/** What effects work with. */
export type EffectDeps = {
  store: Store;
  github: GitHub;
  texts: ReportTexts;
  tokens: AttemptTokens;
  /** Created in every repository that is added. */
  labels: readonly LabelDefinition[];
  /** For messages to runners that only reach GitHub. */
  mailKey: MessageKey;
  /** REST root without a slash at the end. */
  githubApiUrl: string;
  timings: Timings;
  newId: () => string;
  /** Signs what comments keep for `yardmaster recover`; without one they keep nothing. */
  recoveryKey?: Uint8Array;
  log: Logger;
};

/** How an effect came to be carried out. */
export type EffectContext = {
  installationId: number;
  /** Tried before: something may have been created although we never heard of it. */
  isRepeat: boolean;
  /** Throws `ClaimLapsed` when somebody else may work on it by now. */
  makeSureOfClaim(): Promise<void>;
};

export function toTarget(job: Pick<StoredJob, 'installationId' | 'repository'>): RepositoryTarget {
  return { installationId: job.installationId, repository: job.repository };
}
