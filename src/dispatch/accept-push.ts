import { PAUSED } from '../domain/paused.ts';
import type { RepositoryTarget, Trigger } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { readSettings } from './read-settings.ts';
import type { RecordTrigger, TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';
import { wantLook } from './want-looks.ts';

type PushTrigger = Extract<Trigger, { kind: 'branch_pushed' }>;
type Deps = Pick<TriggerDeps, 'store' | 'github'>;

/** Where an organisation keeps what holds for all its repositories that have no settings of their own. */
const ORGANISATION_REPOSITORY = '.github';

/**
 * A branch moved: what is to be merged into it may have conflicts now, and the settings on it may pause work, or no longer, and know other specialties. Throws
 * `GitHubError` when the settings can't be read; then nothing was done.
 */
export async function acceptPush(
  trigger: PushTrigger,
  deps: Deps,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const merging = await findMerging(trigger, deps);
  const turned = await findTurned(trigger, deps);
  const relabelled = await findRelabelled(trigger, deps);
  if (merging.length + turned.length + relabelled.length === 0)
    return { kind: 'ignored', reason: 'it concerns no work of ours' };
  return record(async (tx) => {
    for (const { id: jobId, installationId } of merging)
      await tx.want({ effect: { kind: 'look-at-conflicts', jobId }, installationId });
    for (const job of turned) await wantLook(tx, job);
    for (const { installationId, repository } of relabelled) {
      const { id: repositoryId, owner, name } = repository;
      await tx.want({
        effect: { kind: 'labels', repositoryId, fullName: `${owner}/${name}` },
        installationId,
      });
    }
    const reason = `${merging.length} pull requests may have conflicts now, ${turned.length} jobs may wait, or go on, ${relabelled.length} repositories may lack labels`;
    return { kind: 'noted', reason };
  });
}

/** Repositories whose settings may name specialties that have no label yet. */
async function findRelabelled(
  { target, branch, changesSettings }: PushTrigger,
  { store }: Deps,
): Promise<RepositoryTarget[]> {
  const { installationId, repository } = target;
  if (!changesSettings || branch !== repository.defaultBranch) return [];
  if (repository.name !== ORGANISATION_REPOSITORY) return [target];
  const known = await store.sweeps.repositories();
  return known.filter((one) => one.installationId === installationId);
}

/** Pull requests into the branch whose conflicts are to be resolved. */
async function findMerging({ target, branch }: PushTrigger, { store }: Deps): Promise<StoredJob[]> {
  const { id, defaultBranch } = target.repository;
  return (await store.jobs.withOpenPullRequest(id)).filter(
    ({ settings: { pullRequest } }) =>
      pullRequest?.resolveConflicts === true && (pullRequest.base ?? defaultBranch) === branch,
  );
}

/** Jobs that nobody has begun, and that the settings pause by now; and those that they no longer do. */
async function findTurned({ target, branch }: PushTrigger, deps: Deps): Promise<StoredJob[]> {
  const { id, name, defaultBranch } = target.repository;
  if (branch !== defaultBranch) return [];
  const isForAll = name === ORGANISATION_REPOSITORY;
  const live = isForAll
    ? await deps.store.jobs.liveOfInstallation(target.installationId, 'all')
    : await deps.store.jobs.liveOfRepository(id);
  const waiting = live.filter((job) => job.state === 'queued' || isPaused(job));
  // Which of them have settings of their own, each look finds out.
  if (isForAll || waiting.length === 0) return waiting;
  const { specialties } = (await readSettings(target, deps)).settings;
  return waiting.filter(
    (job) => isPaused(job) !== (specialties.get(job.specialty)?.settings.paused === true),
  );
}

function isPaused({ state, waitCode }: StoredJob): boolean {
  return state === 'held' && waitCode === PAUSED;
}
