/** How much of something may be held at a time. */
export type ByteBudget = {
  /** Takes `bytes` if that much is left; then `release` has to be called, once. `null`: there is not. */
  take(bytes: number): { release(): void } | null;
};

/** For bodies of senders who have shown nothing yet: together they can't fill the memory. */
export function createByteBudget(maxBytes: number): ByteBudget {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > maxBytes) return null;
      taken += bytes;
      let held = true;
      return {
        release() {
          if (held) taken -= bytes;
          held = false;
        },
      };
    },
  };
}
