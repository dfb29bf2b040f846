import { EventEmitter } from 'node:events';
import type { WakeTopic } from './store.ts';

/** Where wake-ups of this process meet: from its own commits, and from those of others. */
export type Wakes = {
  emit(topics: Iterable<WakeTopic>): void;
  /** Until the returned function is called. */
  subscribe(listener: (topic: WakeTopic) => void): () => void;
};

export function createWakes(): Wakes {
  const emitter = new EventEmitter<{ wake: [WakeTopic] }>();
  // One for each long poll and each open page.
  emitter.setMaxListeners(0);

  return {
    emit(topics) {
      for (const topic of topics) emitter.emit('wake', topic);
    },
    subscribe(listener) {
      emitter.on('wake', listener);
      return () => void emitter.off('wake', listener);
    },
  };
}
