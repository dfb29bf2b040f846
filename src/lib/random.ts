import { randomBytes } from 'node:crypto';

/** Chance as a part that is handed in, so that tests can fix it. */
export type Random = {
  /** Bytes that nobody can guess: for secrets and ids. */
  bytes(size: number): Uint8Array;
  /** 0 ≤ n < 1: for jitter. */
  fraction(): number;
};

export const systemRandom: Random = {
  bytes: (size) => randomBytes(size),
  fraction: () => Math.random(),
};
