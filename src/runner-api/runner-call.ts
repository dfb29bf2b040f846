import type { AttemptId } from '../contract/identifiers.ts';
import type { RUNNER_API, RunnerCall, RunnerRequest, RunnerResponse } from '../contract/runner-api.ts';
import type { Answer } from '../dispatch/answer.ts';
import type { Idempotency } from '../dispatch/answer-once.ts';
import type { LeaseKey } from '../dispatch/lease.ts';
import type { Session } from '../dispatch/runner-sessions.ts';

type Table = typeof RUNNER_API;

/** What a call of each kind has shown before its handler sees it. */
type Shown = {
  'enroll-token': object;
  'runner-key': { key: string };
  session: { session: Session };
  lease: { session: Session; lease: LeaseKey };
};

/** A call as its handler gets it: authenticated, parsed, with what the table says that it carries. */
export type IncomingCall<C extends RunnerCall> = {
  body: RunnerRequest<C>;
  /** Aborts when the runner hangs up or the coordinator stops. */
  signal: AbortSignal;
} & Shown[Table[C]['auth']] &
  (Table[C]['idempotent'] extends true ? { idempotency: Idempotency } : object) &
  (Table[C]['path'] extends `${string}:attemptId${string}` ? { attemptId: AttemptId } : object);

/** One handler for every call of the table: a call that isn't served does not compile. */
export type RunnerApiHandlers = {
  [C in RunnerCall]: (call: IncomingCall<C>) => Promise<Answer<RunnerResponse<C>>>;
};
