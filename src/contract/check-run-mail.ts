import { z } from 'zod';
import { AttemptProgress, AttemptResult, Phase } from './attempt-result.ts';
import { AttemptId, CommitId, JobId, RunnerId } from './identifiers.ts';
import { JobSpec } from './job.ts';
import { DeclineReason, RunnerFacts } from './runner-api.ts';

/*
 * How coordinator and runner speak when all that both reach is GitHub: through the attempt's check run, in messages signed with a key
 * that both derive from the App's private key. Each field has one writer at a time, so nothing has to be merged:
 *
 * - `output.text` holds an `Offer` of the coordinator while nobody has claimed it, and from the claim on the runner's newest `Report`;
 * - `external_id` is the coordinator's alone: `<job>:<attempt>`, and behind it its newest `Order` to who has claimed.
 *
 * Every message is the whole state, not a change: one that is lost or overwritten is made good by the next.
 */

/** Derives the key for this protocol from the App's private key. */
export const MAIL_KEY_PURPOSE = 'yardmaster: messages in check runs, version 1';
export const OFFER_KIND = 'offer';
export const REPORT_KIND = 'report';
/** GitHub takes 65,535 characters of `output.text`; a margin for what people see beside the message. */
export const MAX_MAIL_CHARACTERS = 60_000;
/** What a message may unpack to, in bytes of JSON. */
export const MAX_MAIL_BYTES = 8 * 1024 * 1024;
/** Of the live log in one report, in bytes. */
export const MAX_MAIL_LOG_BYTES = 12 * 1024;

/** Where a message belongs: one copied to another check run counts for nothing. */
export function toMailContext(place: { repositoryId: number; checkRunId: number }): string {
  return `${place.repositoryId}/${place.checkRunId}`;
}

/** The coordinator offers the attempt to one runner. */
export const OfferMail = z.object({
  runnerId: RunnerId,
  attemptId: AttemptId,
  jobId: JobId,
  epoch: z.int().positive(),
  /** Since it was published. */
  acceptWithinSeconds: z.number().positive(),
  spec: JobSpec,
});
export type OfferMail = z.infer<typeof OfferMail>;

/** A runner's claim, and from then on its newest word on the attempt. */
export const ReportMail = z.object({
  runnerId: RunnerId,
  attemptId: AttemptId,
  epoch: z.int().positive(),
  /** Made up by the process that claims: two of one identity are told apart by it. Stands for the lease token. */
  nonce: z.string().regex(/^[\w-]{16,64}$/),
  /** Grows with every report of one nonce; an older one is a replay. */
  number: z.int().positive(),
  facts: RunnerFacts,
  phase: Phase,
  /** As in heartbeats; absent from runners before 1.4. */
  progress: AttemptProgress.optional(),
  /** Workspace and baseline are ready. */
  started: z.boolean(),
  /** What it wants to push, and asks leave to. */
  publishCommit: CommitId.nullable(),
  /** The newest part of the live log, and where it begins. Bytes of UTF-8. */
  log: z.object({ offset: z.int().nonnegative(), text: z.string().max(MAX_MAIL_LOG_BYTES) }),
  /** It gives the attempt back. */
  declined: z.object({ reason: DeclineReason, detail: z.string().max(500) }).nullable(),
  /** The end. */
  result: AttemptResult.nullable(),
});
export type ReportMail = z.infer<typeof ReportMail>;

/** In the order in which they can follow each other: of two with one epoch, the later of this list counts. */
export const ORDER_VERBS = ['go', 'drain', 'publish', 'cancel'] as const;

/**
 * What the coordinator tells who has claimed: `go`: the attempt is yours; `drain`: the same, and take nothing after it; `publish`: your
 * lease holds, push; `cancel`: stop.
 */
export const Order = z.object({
  epoch: z.int().positive(),
  verb: z.enum(ORDER_VERBS),
  /** Of the report that it answers. */
  nonce: ReportMail.shape.nonce,
  heartbeatSeconds: z.number().positive(),
  leaseSeconds: z.number().positive(),
});
export type Order = z.infer<typeof Order>;

/** An order in one line without a secret. */
export function toOrderLine({ epoch, verb, nonce, heartbeatSeconds, leaseSeconds }: Order): string {
  return [epoch, verb, nonce, heartbeatSeconds, leaseSeconds].join(':');
}

/** `null` when it is no order. */
export function parseOrderLine(line: string): Order | null {
  const [epoch, verb, nonce, heartbeat, lease, ...more] = line.split(':');
  const parsed = Order.safeParse({
    epoch: Number(epoch),
    verb,
    nonce,
    heartbeatSeconds: Number(heartbeat),
    leaseSeconds: Number(lease),
  });
  return parsed.success && more.length === 0 ? parsed.data : null;
}
