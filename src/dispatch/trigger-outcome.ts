/** What came of a trigger; `reason` is for the log, and where people are concerned, for them. */
export type TriggerOutcome = {
  kind:
    'started' | 'cancelled' | 'refused' | 'ignored' | 'labels_wanted' | 'looked_at' | 'noted' | 'commanded';
  reason: string;
};
