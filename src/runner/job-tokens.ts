import type { GitHubToken, RunnerRequest } from '../contract/runner-api.ts';
import type { Clock } from '../lib/clock.ts';
import type { AttemptChannel } from './transport/transport.ts';

/** A token that is nearer to its end than this is fetched anew. */
const RENEW_BEFORE_MS = 5 * 60_000;

/** GitHub tokens for one attempt, each fresh enough for what comes next. They are kept in memory only. */
export type JobTokens = {
  /** Reads the repository, writes the attempt's check run. */
  run(): Promise<string>;
  /**
   * Writes the repository. Always asks the far side, which grants it only while the lease holds: this is the last check before
   * anything is published. `headCommit` is what will be pushed: the far side hears of it first, and so can find it on the branch even
   * if this runner never gets to report it.
   */
  publish(headCommit: string): Promise<string>;
};

export function createJobTokens(options: {
  channel: Pick<AttemptChannel, 'token'>;
  /** Came with the acceptance. */
  first: GitHubToken;
  clock: Clock;
  signal: AbortSignal;
  /** Told each token before it is used, so that logs can mask it. */
  onToken(token: string): void;
}): JobTokens {
  const { channel, clock, signal } = options;
  let current = keep(options.first);
  let renewal: Promise<void> | null = null;

  return {
    run: async () => {
      if (current.endsAtMs - clock.monotonicMs() < RENEW_BEFORE_MS) {
        renewal ??= renew().finally(() => {
          renewal = null;
        });
        await renewal;
      }
      return current.token;
    },
    publish: async (headCommit) => (await fetchToken({ purpose: 'publish', headCommit })).token,
  };

  async function renew(): Promise<void> {
    current = await fetchToken({ purpose: 'run', headCommit: null });
  }

  async function fetchToken(request: RunnerRequest<'token'>): Promise<{ token: string; endsAtMs: number }> {
    return keep(await channel.token(request, signal));
  }

  function keep({ token, expiresInSeconds }: GitHubToken): { token: string; endsAtMs: number } {
    options.onToken(token);
    return { token, endsAtMs: clock.monotonicMs() + expiresInSeconds * 1000 };
  }
}
