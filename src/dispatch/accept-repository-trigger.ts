import type { Trigger } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { cancelJob } from './cancel-job.ts';
import { wantPriorities } from './follow-labels.ts';
import { sayEndsAgain } from './out-of-reach.ts';
import { INSTALLATION_SWEEP, ISSUE_SWEEP } from './sweep-names.ts';
import type { TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';

type Of<Kind extends Trigger['kind']> = Extract<Trigger, { kind: Kind }>;
type Deps = Pick<TriggerDeps, 'timings'>;

/**
 * The App may work in these repositories: they get their labels, and the next sweeps look for what was labelled there before, and say how work
 * ended that was under way there when it last could.
 */
export async function addRepositories(
  tx: StoreTx,
  trigger: Of<'repositories_added'>,
): Promise<TriggerOutcome> {
  for (const { id, fullName } of trigger.repositories) {
    await tx.want({
      effect: { kind: 'labels', repositoryId: id, fullName },
      installationId: trigger.installationId,
    });
  }
  for (const name of [INSTALLATION_SWEEP, ISSUE_SWEEP]) await tx.sweeps.hurry(name, tx.nowMs);
  const count = trigger.repositories.length;
  const reason = count === 0 ? 'the App may work again there' : `${count} repositories were added`;
  return { kind: 'labels_wanted', reason };
}

/** The App can't work there any more: what is under way ends, and GitHub hears of that when it can again. */
export async function removeRepositories(
  tx: StoreTx,
  trigger: Of<'repositories_removed'>,
  deps: Deps,
): Promise<TriggerOutcome> {
  await tx.sweeps.forgetRepositories(trigger.installationId, trigger.repositoryIds);
  const jobs = await tx.jobs.liveOfInstallation(trigger.installationId, trigger.repositoryIds);
  for (const job of jobs) await tx.sweeps.putOutOfReach(job);
  return cancelAll(tx, jobs, trigger.why, deps);
}

/**
 * Everything that is to happen there goes by the new name. Under another owner it is another installation, whose tokens the runners don't
 * have: what is under way ends.
 */
export async function changeRepository(
  tx: StoreTx,
  { target }: Of<'repository_changed'>,
  deps: Deps,
): Promise<TriggerOutcome> {
  const live = await tx.jobs.liveOfRepository(target.repository.id);
  const { owner, name } = target.repository;
  const fullName = `${owner}/${name}`;
  await tx.jobs.changeRepository(target);
  await tx.sweeps.putRepository(target);
  // It may have come out of the archive.
  await sayEndsAgain(tx, target);
  const moved = live.filter((job) => job.installationId !== target.installationId);
  if (moved.length > 0) {
    const reason = `The repository was transferred, and is ${fullName} now. Remove the label and add it again to start anew`;
    return cancelAll(tx, moved, reason, deps);
  }
  return { kind: 'noted', reason: `the repository is ${fullName}` };
}

/** A label that started work goes on doing so under its new name, and work that it started stays its own. */
export async function renameLabel(
  tx: StoreTx,
  { target, from, to }: Of<'label_renamed'>,
): Promise<TriggerOutcome> {
  const { id } = target.repository;
  const aliases = await tx.sweeps.labelAliases(id);
  const standsFor = aliases.get(from.toLowerCase()) ?? from.toLowerCase();
  await tx.sweeps.dropLabelAlias(id, from.toLowerCase());
  // Back to what it was: nothing stands for anything else.
  if (standsFor !== to.toLowerCase()) await tx.sweeps.putLabelAlias(id, to.toLowerCase(), standsFor);
  await tx.jobs.renameLabel(id, from, to);
  await wantPriorities(tx, await findUrgentBy(tx, id, from));
  return { kind: 'noted', reason: `the label "${from}" is called "${to}" now` };
}

/** As if it had been taken off every issue. */
export async function deleteLabel(
  tx: StoreTx,
  { target, label, sender }: Of<'label_deleted'>,
  deps: Deps,
): Promise<TriggerOutcome> {
  await tx.sweeps.dropLabelAlias(target.repository.id, label.toLowerCase());
  await wantPriorities(tx, await findUrgentBy(tx, target.repository.id, label));
  const live = await tx.jobs.liveOfRepository(target.repository.id);
  const ofLabel = live.filter((job) => job.label?.toLowerCase() === label.toLowerCase());
  return cancelAll(tx, ofLabel, `${sender.login} deleted the label "${label}"`, deps);
}

/** Jobs that have their priority by this label. */
async function findUrgentBy(tx: StoreTx, repositoryId: number, label: string): Promise<StoredJob[]> {
  const live = await tx.jobs.liveOfRepository(repositoryId);
  return live.filter(
    ({ prioritySource: source }) =>
      source?.by === 'label' && source.label.toLowerCase() === label.toLowerCase(),
  );
}

async function cancelAll(
  tx: StoreTx,
  jobs: readonly Pick<StoredJob, 'id'>[],
  reason: string,
  deps: Deps,
): Promise<TriggerOutcome> {
  for (const { id } of jobs) {
    const job = await tx.jobs.lock(id);
    if (job) await cancelJob(tx, job, reason, deps.timings);
  }
  return jobs.length === 0
    ? { kind: 'ignored', reason: `${reason}, and nothing was under way` }
    : { kind: 'cancelled', reason };
}
