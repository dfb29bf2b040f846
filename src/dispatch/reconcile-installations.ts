import { GitHubError } from '../github/github-error.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { liveJobs } from './live-jobs.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';

/**
 * Brings the list of repositories up to date, and ends what is under way where the App can't work any more: it was uninstalled or
 * suspended, or a repository was taken from it, deleted or archived, and no webhook told us.
 */
export async function sweepInstallations(deps: SweepDeps): Promise<SweepFindings> {
  const { store, reads, acceptTrigger } = deps;
  const nowMs = await store.nowMs();
  const installations = await reads.installations();
  const open = installations.filter(({ isSuspended }) => !isSuspended);
  const suspended = new Set(installations.filter(({ isSuspended }) => isSuspended).map(({ id }) => id));
  const reachable = new Map<number, Set<number>>();
  const archived = new Set<number>();

  for (const { id } of open) {
    const repositories = await repositoriesOf(id);
    if (repositories === null) continue;
    const usable = repositories.filter(({ isArchived }) => !isArchived);
    reachable.set(id, new Set(usable.map(({ repository }) => repository.id)));
    for (const { repository, isArchived } of repositories) {
      if (isArchived) archived.add(repository.id);
      else await store.sweeps.putRepository({ installationId: id, repository });
    }
  }
  const listed = new Set(installations.map(({ id }) => id));
  for (const { installationId, repository } of await store.sweeps.repositories()) {
    const usable = reachable.get(installationId);
    const isOut = !listed.has(installationId) || suspended.has(installationId);
    if (isOut || (usable !== undefined && !usable.has(repository.id)))
      await store.sweeps.forgetRepositories(installationId, [repository.id]);
  }

  let cancelled = 0;
  for await (const job of liveJobs(store)) {
    const why = whyOver(job);
    if (why === null) continue;
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
    return 'The repository was removed from the installation of the App, or deleted';
  }
}
