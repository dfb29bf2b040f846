import type { Evidence } from '../../contract/evidence.ts';
import type { AttemptId } from '../../contract/identifiers.ts';
import type { JobSpec } from '../../contract/job.ts';
import type {
  DeclineReason,
  GitHubToken,
  HeartbeatResponse,
  Offer,
  PollRequest,
  PollResponse,
  RunnerRequest,
} from '../../contract/runner-api.ts';
import type { CheckRunReporter } from '../check-run.ts';

/** What names an attempt's lease; enough to go on with it after a restart of the runner. */
export type LeaseKey = { attemptId: AttemptId; epoch: number; leaseToken: string };

/** An accepted offer: from now on the attempt is this runner's, for as long as it keeps the lease alive. */
export type Claim = {
  spec: JobSpec;
  lease: LeaseKey;
  /** From the moment that the acceptance was *sent*. */
  leaseSeconds: number;
  heartbeatSeconds: number;
  /** Monotonic time just before the answered acceptance was sent. */
  sentAtMs: number;
  runToken: GitHubToken;
};

/**
 * What can be said about one attempt. Every call throws `TransportError`; `stale_attempt` means that the attempt is lost.
 * Calls other than `heartbeat` and `appendLog` are repeated on passing trouble until the signal aborts, each with one idempotency key.
 */
export type AttemptChannel = {
  /** Workspace and baseline are ready. */
  start(signal: AbortSignal): Promise<void>;
  /** One try, not repeated: who calls it measures the lease from the moment before it was sent. */
  heartbeat(news: RunnerRequest<'heartbeat'>, signal: AbortSignal): Promise<HeartbeatResponse>;
  /** One try, not repeated; answers how many bytes the far side has. */
  appendLog(chunk: { offset: number; text: string }, signal: AbortSignal): Promise<number>;
  /** A fresh token for the job's repository; `publish` is granted only while the lease holds, and names the commit to be pushed. */
  token(request: RunnerRequest<'token'>, signal: AbortSignal): Promise<GitHubToken>;
  sendEvidence(evidence: Evidence, signal: AbortSignal): Promise<void>;
  /** The end. A repeat with the same key, also after a restart, gets the first answer. */
  complete(request: RunnerRequest<'complete'>, idempotencyKey: string, signal: AbortSignal): Promise<void>;
  /** Whether a patch that the check run does not show reaches the coordinator with `complete`. */
  takesLongPatches: boolean;
  /** Where the attempt's check run is the channel itself: what people are to see goes along with what is said. */
  reporter?: Pick<CheckRunReporter, 'show' | 'finish'>;
};

/** One way to find, claim, keep alive and finish attempts. The work between is the same for all. */
export type Transport = {
  /** Makes this runner known; repeats passing trouble until the signal aborts. */
  connect(signal: AbortSignal): Promise<void>;
  /** Waits for something to do. Repeats passing trouble until the signal aborts. */
  poll(request: PollRequest, signal: AbortSignal): Promise<PollResponse>;
  /** Takes an offer, in the time that the offer leaves. */
  accept(offer: Offer, signal: AbortSignal): Promise<Claim>;
  decline(
    offer: Pick<Offer, 'attemptId' | 'epoch'>,
    reason: DeclineReason,
    detail: string,
    signal: AbortSignal,
  ): Promise<void>;
  attempt(lease: LeaseKey): AttemptChannel;
  /** Leaves in order. */
  close(signal: AbortSignal): Promise<void>;
};
