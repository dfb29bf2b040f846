import type { AttemptId, JobId } from '../contract/identifiers.ts';
import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import { toBranchName } from '../domain/branch-name.ts';
import type { AllJobSettings, JobRevision } from '../domain/job.ts';
import { type LabelPriority, toJobPriority } from '../domain/priority-labels.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';

/** A job as a trigger asked for it, linked to the one before of the same issue and specialty. Not stored yet. */
export async function newJob(
  tx: StoreTx,
  deps: { newId: () => string },
  facts: {
    /** `refused`: it never begins. */
    state: 'queued' | 'refused';
    stateReason: string | null;
    target: RepositoryTarget;
    sender: Actor;
    /** The label that stands for the job. */
    label: string | null;
    issue: IssueSnapshot;
    specialty: string;
    needs: string[];
    settings: AllJobSettings;
    instructions: string | null;
    /** The label of the issue that says how urgent it is. */
    labelPriority?: LabelPriority | null;
    /** Of an open pull request, whose branch it is. */
    revision?: { facts: JobRevision; branch: string } | undefined;
    attemptId: AttemptId | null;
  },
): Promise<StoredJob> {
  const { target, sender, issue, specialty, revision, attemptId } = facts;
  const { installationId, repository } = target;
  const earlier = await tx.jobs.ofIssue(repository.id, issue.number, 20);
  const previous = earlier.find((job) => job.specialty === specialty && job.state !== 'refused');
  return {
    id: deps.newId() as JobId,
    kind: revision === undefined ? 'resolve' : 'revise',
    state: facts.state,
    stateReason: facts.stateReason,
    waitCode: null,
    installationId,
    repository,
    issue,
    specialty,
    needs: facts.needs,
    settings: facts.settings,
    instructions: facts.instructions,
    requestedBy: sender.login,
    // 0 is nobody in particular.
    requestedById: sender.id === 0 ? null : sender.id,
    label: facts.label,
    ...toJobPriority(facts.labelPriority ?? null),
    branch: revision?.branch ?? toBranchName({ issueNumber: issue.number, title: issue.title, specialty }),
    outcome: null,
    revision: revision?.facts ?? null,
    pullRequest: null,
    attemptId,
    attemptNumber: attemptId === null ? 0 : 1,
    runnerId: null,
    ready: false,
    offers: 0,
    infrastructureRetries: 0,
    workRetries: 0,
    avoid: [],
    previousJobId: previous?.id ?? null,
    createdAtMs: tx.nowMs,
    updatedAtMs: tx.nowMs,
    runAtMs: tx.nowMs,
    deadlineAtMs: null,
    runUntilMs: null,
    finishedAtMs: facts.state === 'refused' ? tx.nowMs : null,
  };
}
