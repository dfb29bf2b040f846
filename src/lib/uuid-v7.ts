import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/**
 * Makes UUIDs of version 7: they sort by time, and those of one maker sort in the order in which they were made, even within
 * a millisecond or when the clock goes back.
 */
export function createUuidV7(deps: { clock: Pick<Clock, 'nowMs'>; random: Random }): () => string {
  let lastMs = 0;
  let counter = 0;

  return () => {
    const nowMs = deps.clock.nowMs();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = 0;
    } else {
      counter += 1;
      if (counter > 0xfff) {
        lastMs += 1;
        counter = 0;
      }
    }
    const time = lastMs.toString(16).padStart(12, '0');
    const chance = Buffer.from(deps.random.bytes(8));
    chance[0] = ((chance[0] ?? 0) & 0x3f) | 0x80;
    const tail = chance.toString('hex');
    return [
      time.slice(0, 8),
      time.slice(8),
      `7${counter.toString(16).padStart(3, '0')}`,
      tail.slice(0, 4),
      tail.slice(4),
    ].join('-');
  };
}
