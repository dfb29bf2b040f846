import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AttemptId, CommitId, JobId } from '../../contract/identifiers.ts';
import type { IssueSnapshot } from '../../contract/issue-snapshot.ts';
import { JOB_STATES, JobKind } from '../../contract/job.ts';
import { BranchName } from '../../domain/branch-name.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { StoredJob } from '../../store/stored-job.ts';

/** Jobs of an issue that its comment keeps facts of, the newest. */
const MAX_JOBS = 10;
const MAX_INSTRUCTIONS = 4000;

/** What a job can be rebuilt from, beside what GitHub itself knows. */
const JobFacts = z.object({
  id: JobId,
  kind: JobKind,
  state: z.enum(JOB_STATES),
  specialty: z.string(),
  requestedBy: z.string(),
  requestedById: z.number().nullish(),
  label: z.string().nullable(),
  instructions: z.string().nullable(),
  priority: z.number(),
  prioritySource: z
    .union([z.object({ by: z.literal('person') }), z.object({ by: z.literal('label'), label: z.string() })])
    .nullish(),
  branch: BranchName,
  createdAtMs: z.number(),
  /** Of title and body as they were when the work was asked for: a later text is nobody's order. */
  textHash: z.string(),
  attempt: z
    .object({ id: AttemptId, number: z.int().positive(), startCommit: CommitId.nullable() })
    .nullable(),
});
export type JobFacts = z.infer<typeof JobFacts>;

const Facts = z.object({ repositoryId: z.number(), issueNumber: z.number(), jobs: z.array(JobFacts) });

/** The key of the marks, from a secret that all coordinators of the App share. */
export function recoveryKey(webhookSecret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', webhookSecret, '', 'yardmaster recovery marker v1', 32));
}

/** By which a text is known again. */
export function hashText({ title, body }: Pick<IssueSnapshot, 'title' | 'body'>): string {
  return createHash('sha256')
    .update(JSON.stringify([title, body]))
    .digest('base64');
}

/**
 * A hidden mark for an issue's status comment with what `yardmaster recover` needs. It is signed, and good for this issue only: anyone with
 * write access may edit the comment, and what they make of the mark is not believed.
 */
export function toRecoveryMarker(
  issue: { repositoryId: number; issueNumber: number },
  jobs: readonly { job: StoredJob; attempt: StoredAttempt | null }[],
  key: Uint8Array,
): string {
  const facts = jobs
    .filter(({ job }) => job.state !== 'refused')
    .slice(0, MAX_JOBS)
    .map(({ job, attempt }) => ({
      id: job.id,
      kind: job.kind,
      state: job.state,
      specialty: job.specialty,
      requestedBy: job.requestedBy,
      requestedById: job.requestedById,
      label: job.label,
      instructions: job.instructions?.slice(0, MAX_INSTRUCTIONS) ?? null,
      priority: job.priority,
      prioritySource: job.prioritySource,
      branch: job.branch,
      createdAtMs: job.createdAtMs,
      textHash: hashText(job.issue),
      attempt: attempt && { id: attempt.id, number: attempt.number, startCommit: attempt.startCommit },
    }));
  const { repositoryId, issueNumber } = issue;
  const text = Buffer.from(JSON.stringify({ repositoryId, issueNumber, jobs: facts })).toString('base64');
  return `<!-- yardmaster:jobs v1 ${text} ${sign(text, key).toString('hex')} -->`;
}

/** What the mark in a comment says; `null` when there is none, or when it was not written by us for this issue. */
export function readRecoveryMarker(
  body: string,
  issue: { repositoryId: number; issueNumber: number },
  key: Uint8Array,
): JobFacts[] | null {
  const match = /^<!-- yardmaster:jobs v1 ([A-Za-z0-9+/=]+) ([0-9a-f]{64}) -->$/m.exec(body);
  const [, text, signature] = match ?? [];
  if (text === undefined || signature === undefined) return null;
  if (!timingSafeEqual(sign(text, key), Buffer.from(signature, 'hex'))) return null;
  const facts = Facts.safeParse(JSON.parse(Buffer.from(text, 'base64').toString()));
  if (!facts.success) return null;
  const isOfIssue =
    facts.data.repositoryId === issue.repositoryId && facts.data.issueNumber === issue.issueNumber;
  return isOfIssue ? facts.data.jobs : null;
}

function sign(text: string, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
