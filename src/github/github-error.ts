/**
 * Why GitHub did not do what we asked.
 * - `rate_limited`: wait `retryAfterMs`, then repeat; nothing was done
 * - `unavailable`: 5xx or no answer; whether it was done is unknown: look before creating again
 * - `gone`: 404, 410, or uninstalled: the thing is not there for us
 * - `forbidden`: suspended, archived, locked, permission missing: a person has to act
 * - `conflict`: 409, or 422 because it exists or stands elsewhere
 * - `invalid`: 422 or 400: our own mistake or a rule of the repository
 */
export type GitHubErrorKind = 'rate_limited' | 'unavailable' | 'gone' | 'forbidden' | 'conflict' | 'invalid';

export class GitHubError extends Error {
  override readonly name = 'GitHubError';
  readonly kind: GitHubErrorKind;
  /** HTTP status; `null` when there was no answer. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** `rate_limited` because the requests of the hour are used up, not because GitHub asks for quiet. */
  readonly isUsedUp: boolean;
  /** Permissions that the App lacks, in words: `checks: write`; `null` when that is not why. */
  readonly lacking: string | null;

  constructor(
    kind: GitHubErrorKind,
    message: string,
    facts: {
      status?: number | null;
      retryAfterMs?: number | null;
      isUsedUp?: boolean;
      lacking?: string | null;
      cause?: unknown;
    } = {},
  ) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.kind = kind;
    this.status = facts.status ?? null;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.isUsedUp = facts.isUsedUp ?? false;
    this.lacking = facts.lacking ?? null;
  }
}
