import type { RunnerView } from './job.ts';

/** A runner's state in the words of people who wait for it. */
export function toRunnerState({ state, accepting, active, capacity }: RunnerView): string {
  if (state !== 'online') return state === 'gone' ? 'offline' : state;
  if (active >= capacity) return 'busy';
  return accepting ? 'online' : 'online, takes no work at the moment';
}
