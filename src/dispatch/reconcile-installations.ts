import { GitHubError } from '../github/github-error.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { liveJobs } from './live-jobs.ts';
import { sayEndsAgain } from './out-of-reach.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';

/**
 * Brings the list of repositories up to date, and ends what is under way where the App can't work any more: it was uninstalled or
 * suspended, or a repository was taken from it, deleted or archived, and no webhook told us. Where it can again, GitHub hears how that ended.
 */
export async function sweepInstallations(deps: SweepDeps): Promise<SweepFindings> {
  const { store, reads, acceptTrigger } = deps;
  const isConfirmed = createConfirmation(deps);
  const nowMs = await store.nowMs();
  const installations = await reads.installations();
  const open = installations.filter(({ isSuspended }) => !isSuspended);
  const suspended = new Set(installations.filter(({ isSuspended }) => isSuspended).map(({ id }) => id));
  const reachable = new Map<number, Set<number>>();
  const archived = new Set<number>();
  let cancelled = 0;
  const outOfReach = store.sweeps.repositoriesOutOfReach();
  const knownRepositories = store.sweeps
    .repositories()
    .then((targets) => new Map(targets.map((target) => [target.repository.id, target])));

  for (const { id } of open) {
    const repositories = await repositoriesOf(id);
    if (repositories === null) continue;
    const usable = repositories.filter(({ isArchived }) => !isArchived);
    reachable.set(id, new Set(usable.map(({ repository }) => repository.id)));
    for (const { repository, isArchived } of repositories) {
      if (isArchived) archived.add(repository.id);
      else cancelled += await noteRepository({ installationId: id, repository });
    }
  }
  const listed = new Set(installations.map(({ id }) => id));
  for (const { installationId, repository } of await store.sweeps.repositories()) {
    const usable = reachable.get(installationId);
    const isOut = !listed.has(installationId) || suspended.has(installationId);
    if (isOut || (usable !== undefined && !usable.has(repository.id)))
      await store.sweeps.forgetRepositories(installationId, [repository.id]);
  }

  for await (const job of liveJobs(store)) {
    const why = whyOver(job);
    if (why === null || !(archived.has(job.repository.id) || (await isConfirmed(job)))) continue;
    cancelled += 1;
    await acceptTrigger({
      kind: 'repositories_removed',
      key: `repositories_removed:sweep:${job.repository.id}:${nowMs}`,
      installationId: job.installationId,
      repositoryIds: [job.repository.id],
      why,
    });
  }
  return { cancelled };

  /**
   * One that we know by another name, or of another owner, was renamed or transferred, and no webhook told us. 1 if that ended anything.
   */
  async function noteRepository(target: RepositoryTarget): Promise<number> {
    const { id, owner, name } = target.repository;
    const known = (await knownRepositories).get(id);
    const isSame =
      known === undefined ||
      (known.installationId === target.installationId &&
        known.repository.owner === owner &&
        known.repository.name === name);
    if (isSame) {
      await store.sweeps.putRepository(target);
      if ((await outOfReach).has(id)) await store.transact((tx) => sayEndsAgain(tx, target));
      return 0;
    }
    const key = `repository_changed:sweep:${id}:${nowMs}`;
    const { kind } = await acceptTrigger({ kind: 'repository_changed', key, target });
    return Number(kind === 'cancelled');
  }

  /** `null` when it ended just now: the next round sees that. */
  async function repositoriesOf(installationId: number) {
    try {
      return await reads.repositories(installationId);
    } catch (error) {
      if (error instanceof GitHubError && (error.kind === 'gone' || error.kind === 'forbidden')) return null;
      throw error;
    }
  }

  function whyOver({ installationId, repository }: StoredJob): string | null {
    if (!listed.has(installationId)) return 'The App was uninstalled';
    if (suspended.has(installationId)) return 'The App was suspended';
    if (archived.has(repository.id)) return 'The repository was archived';
    const usable = reachable.get(installationId);
    if (usable === undefined || usable.has(repository.id)) return null;
    return 'The repository was removed from the installation of the App, transferred to an owner without it, or deleted';
  }
}

/**
 * Whether GitHub says the same when it is asked about this one repository. Lists are put together page by page while things move, and what
 * is missing in one must not end work. One request for each repository.
 */
function createConfirmation({
  reads,
  log,
}: Pick<SweepDeps, 'reads' | 'log'>): (job: StoredJob) => Promise<boolean> {
  const asked = new Map<number, Promise<boolean>>();

  async function ask({ installationId, repository }: StoredJob): Promise<boolean> {
    if (!(await reads.isUsable({ installationId, repository }))) return true;
    log.warn(
      { repositoryId: repository.id },
      'A repository is missing in a list of GitHub, and is there when asked for',
    );
    return false;
  }

  return (job) => {
    const { id } = job.repository;
    const answer = asked.get(id) ?? ask(job);
    asked.set(id, answer);
    return answer;
  };
}
