import { EventEmitter } from 'node:events';

/** What a commit may have changed, for those who wait: long polls, workers, live pages. */
export type WakeTopic =
  /** Wake-ups may have been lost: everybody looks again. */
  | 'all'
  | 'inbox'
  | 'outbox'
  /** A job can be offered, or a slot is free. */
  | 'queue'
  /** There may be something to tell this runner. */
  | `runner:${string}`
  /** Something happened to this job. */
  | `job:${string}`
  /** The log of this attempt has grown. */
  | `log:${string}`;

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
