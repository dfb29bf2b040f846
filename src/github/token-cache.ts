/** The cache of `@octokit/auth-app`, whose keys begin with the installation's id. */
export type TokenCache = {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  /** GitHub took a token of this installation for dead: the next request mints a new one. */
  forget(installationId: number): void;
};

/** A minute less than tokens live. */
const KEEP_MS = 59 * 60_000;

/**
 * Keeps the coordinator's own installation tokens. In place of Probot's cache, out of which a token can't be taken: one that
 * died early, as on suspension, would be used for up to an hour.
 */
export function createTokenCache(clock: { nowMs(): number }): TokenCache {
  const entries = new Map<string, { value: string; untilMs: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined || entry.untilMs <= clock.nowMs()) return undefined;
      return entry.value;
    },
    set(key, value) {
      entries.set(key, { value, untilMs: clock.nowMs() + KEEP_MS });
    },
    forget(installationId) {
      const id = String(installationId);
      for (const key of entries.keys()) if (key.split('|')[0] === id) entries.delete(key);
    },
  };
}
