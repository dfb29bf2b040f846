import type { AttemptId, IssueSnapshot, JobId, JobSettings } from '../contract/job.ts';
import { toBranchName } from '../domain/branch-name.ts';
import type { Situation } from '../domain/decide.ts';
import type { StoredJob } from '../store/jobs.ts';
import type { StoreTx } from '../store/store.ts';

/** A job as a trigger asked for it, linked to the one before of the same issue and specialty. Not stored yet. */
export async function newJob(
  tx: StoreTx,
  deps: { newId: () => string },
  facts: {
    /** `refused`: it never begins. */
    state: 'queued' | 'refused';
    stateReason: string | null;
    trigger: Situation['trigger'];
    issue: IssueSnapshot;
    specialty: string;
    needs: string[];
    settings: JobSettings;
    instructions: string | null;
    attemptId: AttemptId | null;
  },
): Promise<StoredJob> {
  const { trigger, issue, specialty, attemptId } = facts;
  const { installationId, repository } = trigger.target;
  const earlier = await tx.jobs.ofIssue(repository.id, issue.number, 20);
  const previous = earlier.find((job) => job.specialty === specialty && job.state !== 'refused');
  return {
    id: deps.newId() as JobId,
    kind: 'resolve',
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
    requestedBy: trigger.sender.login,
    label: trigger.kind === 'label_added' ? trigger.label : null,
    priority: 0,
    branch: toBranchName({ issueNumber: issue.number, title: issue.title, specialty }),
    outcome: null,
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
