/** Why a job on hold waits: the settings of its repository pause it. */
export const PAUSED = 'paused';

/** Plain text. */
export const PAUSED_REASON =
  'The settings of the repository pause this work (`paused: true`). It goes on by itself once that is taken away; `/agent unhold` starts it now.';
