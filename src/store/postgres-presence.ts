import type { Clock } from '../lib/clock.ts';

/** Part of the time after which others take a coordinator for gone in which it still counts itself as there; the rest is for calls under way. */
const CERTAIN_PART = 0.8;

/** Whether the other coordinators of a database can still see this one. */
export type PostgresPresence = {
  /** The connection by which they see it is lost. */
  lose(): void;
  /** They see it again. */
  resume(): void;
  /** As `Store.presence`. */
  signal(): AbortSignal;
  /** Nothing waits any more. */
  stop(): void;
};

/** `goneAfterMs`: how long others wait before they take a coordinator for gone that they don't see. */
export function createPostgresPresence(clock: Pick<Clock, 'sleep'>, goneAfterMs: number): PostgresPresence {
  let present = new AbortController();
  let absence: AbortController | null = null;

  async function leaveAfterAWhile(back: AbortSignal): Promise<void> {
    try {
      await clock.sleep(goneAfterMs * CERTAIN_PART, back);
    } catch {
      return;
    }
    if (!back.aborted) present.abort();
  }

  return {
    lose() {
      absence?.abort();
      absence = new AbortController();
      void leaveAfterAWhile(absence.signal);
    },
    resume() {
      absence?.abort();
      absence = null;
      if (present.signal.aborted) present = new AbortController();
    },
    signal: () => present.signal,
    stop: () => absence?.abort(),
  };
}
