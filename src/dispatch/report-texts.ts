import type { toCheckRun, toEvidenceCheckRun, toLaterHeadCheckRun } from '../domain/check-run-text.ts';
import type { toPullRequest } from '../domain/pull-request-text.ts';
import type { toSettingsCheckRun } from '../domain/settings-check-text.ts';
import type { toStartCommitMessage } from '../domain/start-commit-text.ts';
import type { statusMarker, toStatusComment } from '../domain/status-comment-text.ts';

/** Who words what is shown on GitHub. Handed in, so that it can be replaced as a whole. */
export type ReportTexts = {
  toCheckRun: typeof toCheckRun;
  toEvidenceCheckRun: typeof toEvidenceCheckRun;
  toLaterHeadCheckRun: typeof toLaterHeadCheckRun;
  toSettingsCheckRun: typeof toSettingsCheckRun;
  toPullRequest: typeof toPullRequest;
  toStartCommitMessage: typeof toStartCommitMessage;
  statusMarker: typeof statusMarker;
  toStatusComment: typeof toStatusComment;
};
