import type { JobPreview } from '../../contract/job.ts';
import type { RunnerRequest } from '../../contract/runner-api.ts';

/** Which issue, and for which work; `specialty: null`: by its labels. */
export type PreviewWish = Omit<RunnerRequest<'preview'>, 'runnerId'>;

/** What a job would be, from whoever knows it. */
export type PreviewAnswer = {
  preview: JobPreview;
  /** To clone the repository with; `null` = none was given. */
  token: string | null;
  /** What is not as it would be in a job, for people. */
  notes: string[];
  /** Ends the token. Never throws. */
  close(): Promise<void>;
};
