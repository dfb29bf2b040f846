import type { Clock } from '../lib/clock.ts';

/** A poll waits up to 50 s, so that a healthy far side is heard of at least this often. In milliseconds. */
const SILENCE_MS = 90_000;

export type ContactState = {
  connected: boolean;
  /** Wall clock of the last answer; `null` = there was none. */
  lastAnswerAtMs: number | null;
  /** What is wrong now, for people; `null` = nothing that we know of. */
  trouble: string | null;
};

/** Whether this runner hears from its coordinator, or from GitHub where that is its way. */
export type Contact = { answered(): void; troubled(text: string): void; state(): ContactState };

export function createContact(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): Contact {
  let last: { monotonicMs: number; wallMs: number } | null = null;
  let trouble: string | null = null;

  return {
    answered: () => {
      last = { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
      trouble = null;
    },
    troubled: (text) => {
      trouble = text;
    },
    state: () => ({
      connected: last !== null && trouble === null && clock.monotonicMs() - last.monotonicMs < SILENCE_MS,
      lastAnswerAtMs: last?.wallMs ?? null,
      trouble,
    }),
  };
}
