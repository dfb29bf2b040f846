import type { ButtonName } from './check-run-buttons.ts';

/** A check run's state and text, whole: what is sent replaces what was there. */
export type CheckRunContent = {
  status: 'queued' | 'in_progress' | 'completed';
  /** Given exactly when `status` is `completed`. */
  conclusion?: 'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped';
  title: string;
  /** Markdown, at most 65,535 characters. */
  summary: string;
  /** More Markdown, at most 65,535 characters; left out = none. */
  text?: string;
  /** Left out = those that are there. */
  buttons?: readonly ButtonName[];
  /**
   * Remarks on lines of the commit. GitHub only ever adds to them, so the list of a check run must not change but by growing at its end; only
   * the coordinator sends them.
   */
  annotations?: readonly Annotation[];
};

/** A remark on lines of a file, plain text. `toAnnotations` makes them fit what GitHub takes. */
export type Annotation = {
  /** From the root of the repository; the file must be in the commit that the check run is on. */
  path: string;
  /** From 1, both included. */
  startLine: number;
  endLine: number;
  level: 'notice' | 'warning' | 'failure';
  title: string;
  message: string;
};
