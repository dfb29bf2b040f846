/**
 * Why the far side did not do what the runner asked. Trouble that passes is repeated inside the transport and comes out only when
 * the caller's time for it is over.
 * - `unavailable`: no usable answer in the time given; whether it was done is unknown
 * - `stale_attempt`: the attempt is not this runner's any more: drop everything, publish nothing
 * - `superseded`: another process works under this runner's identity
 * - `revoked`: an operator took this runner's key away
 * - `protocol_unsupported`: runner and coordinator are too far apart in versions
 * - `misconfigured`: this runner's credentials or addresses are wrong, and a person has to mend them
 * - `policy_refused`: allowed in principle, but not this (a limit, a rule)
 * - `refused`: any other no; a repeat gets the same answer
 */
export type TransportErrorKind =
  | 'unavailable'
  | 'stale_attempt'
  | 'superseded'
  | 'revoked'
  | 'protocol_unsupported'
  | 'misconfigured'
  | 'policy_refused'
  | 'refused';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly kind: TransportErrorKind;
  /** HTTP status; `null` when there was no answer. */
  readonly status: number | null;

  constructor(
    kind: TransportErrorKind,
    message: string,
    facts: { status?: number | null; cause?: unknown } = {},
  ) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.kind = kind;
    this.status = facts.status ?? null;
  }
}

/** The kind of a `TransportError`, or `null` for anything else that was thrown. */
export function transportErrorKind(thrown: unknown): TransportErrorKind | null {
  return thrown instanceof TransportError ? thrown.kind : null;
}
