import type { Clock } from '../lib/clock.ts';
import { GitHubError } from './github-error.ts';

/**
 * As whom GitHub is asked for an installation. The hourly requests of the installation are used up for itself only; where GitHub asks for
 * quiet (Retry-After, a secondary limit), the App as such is meant.
 */
type Asker = 'installation' | 'app';

/** Until when GitHub wants to hear nothing of each installation: GitHub bans Apps that go on. */
export type InstallationLimits = {
  /**
   * Runs `request`, which throws `GitHubError`. While GitHub limits the installation nothing is sent: it throws the same `rate_limited`,
   * with what is left to wait.
   */
  obey<Result>(installationId: number, asker: Asker, request: () => Promise<Result>): Promise<Result>;
};

/**
 * In memory, each coordinator for itself: after a restart, one more request is told to wait. Writes, which queue, are besides put off in
 * the store, for all coordinators.
 */
export function createInstallationLimits(clock: Pick<Clock, 'monotonicMs'>): InstallationLimits {
  const quiet: Readonly<Record<Asker, Map<number, number>>> = { installation: new Map(), app: new Map() };

  return {
    async obey(installationId, asker, request) {
      const leftMs = leftOf(installationId, asker);
      if (leftMs > 0) {
        const text = `GitHub limits this installation, so it was not asked; it may be asked again in ${Math.ceil(leftMs / 1000)} s`;
        throw new GitHubError('rate_limited', text, { retryAfterMs: leftMs });
      }
      try {
        return await request();
      } catch (error) {
        // Without a status it is a limit of our own, of which GitHub knows nothing.
        if (error instanceof GitHubError && error.kind === 'rate_limited' && error.status !== null)
          note(installationId, asker, error);
        throw error;
      }
    },
  };

  function leftOf(installationId: number, asker: Asker): number {
    const untilMs = quiet[asker].get(installationId);
    if (untilMs === undefined) return 0;
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs <= 0) quiet[asker].delete(installationId);
    return leftMs;
  }

  function note(installationId: number, asker: Asker, { retryAfterMs, isUsedUp }: GitHubError): void {
    const untilMs = clock.monotonicMs() + (retryAfterMs ?? 0);
    for (const meant of isUsedUp ? [asker] : (['installation', 'app'] as const)) {
      quiet[meant].set(installationId, Math.max(untilMs, quiet[meant].get(installationId) ?? 0));
    }
  }
}
