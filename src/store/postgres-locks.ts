/** The first half of our advisory locks' keys, so that they meet nobody else's in the same database. */
export const LOCK_CLASS = {
  turns: 0x5961_7264,
  claimants: 0x5961_7265,
  migration: 0x5961_7266,
  use: 0x5961_7267,
} as const;
