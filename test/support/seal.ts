import { createSeal, type Seal } from '../../src/lib/seal.ts';

/** With a key that is the same for all of a test. */
export function aSeal(): Seal {
  return createSeal(new Uint8Array(32).fill(7));
}
