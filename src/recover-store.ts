import { type Config, secretsOf } from './config.ts';
import { MAIL_KEY_PURPOSE } from './contract/check-run-mail.ts';
import { openStore } from './coordinator.ts';
import { carryOutRecovery } from './dispatch/recovery/carry-out-recovery.ts';
import { planRecovery } from './dispatch/recovery/plan-recovery.ts';
import { recoveryKey } from './dispatch/recovery/recovery-marker.ts';
import type { RecoveryPlan } from './dispatch/recovery/recovery-plan.ts';
import { DEFAULT_TIMINGS } from './domain/timings.ts';
import { createGitHub } from './github/create-github.ts';
import { createOctokitFactory } from './github/probot-octokit.ts';
import { systemClock } from './lib/clock.ts';
import { createLogger, type Logger } from './lib/logger.ts';
import { systemRandom } from './lib/random.ts';
import { createRedactor } from './lib/redact.ts';
import { deriveMessageKey } from './lib/signed-message.ts';
import { createUuidV7 } from './lib/uuid-v7.ts';
import type { Store } from './store/store.ts';
import { createStoredLimits } from './stored-limits.ts';

/** Why nothing was recovered; the message says what to do. */
export class RecoveryRefusedError extends Error {
  override readonly name = 'RecoveryRefusedError';
}

/**
 * `yardmaster recover`: rebuilds live jobs in the configured store from GitHub alone, or with `dryRun` only says what it would do. Throws
 * `StoreInUseError` when a coordinator runs on the store (none can be started meanwhile), and `RecoveryRefusedError` when the store has jobs,
 * unless `force`; those that are there stay.
 */
export async function recoverStore(
  config: Config,
  options: { dryRun: boolean; force: boolean },
): Promise<RecoveryPlan> {
  const { redact } = createRedactor(secretsOf(config));
  const log = createLogger({ ...config.log, level: 'warn', redact });
  const shared = { clock: systemClock, random: systemRandom, timings: DEFAULT_TIMINGS, log };
  const store = await openStore(config, { ...shared, use: 'recover' });
  try {
    return await recoverInto(store, config, { ...options, log });
  } finally {
    await store.close();
  }
}

async function recoverInto(
  store: Store,
  config: Config,
  options: { dryRun: boolean; force: boolean; log: Logger },
): Promise<RecoveryPlan> {
  const { log } = options;
  const jobs = Object.values(await store.jobs.countByState()).reduce((sum, count) => sum + count, 0);
  if (jobs > 0 && !options.force && !options.dryRun) {
    throw new RecoveryRefusedError(
      `the store has ${jobs} ${jobs === 1 ? 'job' : 'jobs'}: recover is for an empty one. With --force, jobs that are there stay as they are and missing ones are added.`,
    );
  }
  const octokits = createOctokitFactory({
    ...config,
    baseUrl: config.githubApiUrl,
    limits: { ...config.limits, enabled: true },
    sharedLimits: createStoredLimits(store),
    clock: systemClock,
    log,
  });
  const github = createGitHub({ ...octokits, apiUrl: config.githubApiUrl, clock: systemClock, log });
  const deps = {
    store,
    github,
    reads: github.sweeps,
    recoveryKey: recoveryKey(config.webhookSecret),
    mailKey: deriveMessageKey(config.privateKey, MAIL_KEY_PURPOSE),
    random: systemRandom,
    timings: DEFAULT_TIMINGS,
    newId: createUuidV7({ clock: systemClock, random: systemRandom }),
  };
  const plan = await planRecovery(deps);
  if (!options.dryRun) await carryOutRecovery(plan, deps);
  return plan;
}
