/** A check run's state and text, whole: what is sent replaces what was there. */
export type CheckRunContent = {
  status: 'queued' | 'in_progress' | 'completed';
  /** Given exactly when `status` is `completed`. */
  conclusion?: 'success' | 'failure' | 'neutral' | 'cancelled' | 'timed_out' | 'skipped';
  title: string;
  /** Markdown, at most 65,535 characters. */
  summary: string;
  /** More Markdown, at most 65,535 characters; left out = none. */
  text?: string;
};
