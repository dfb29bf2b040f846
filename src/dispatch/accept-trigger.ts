import type { Decision, Situation } from '../domain/decide.ts';
import { ASKED_AGAIN_NOTICE, BESIDE_NOTICE } from '../domain/job.ts';
import { toLabelHintText } from '../domain/label-hint.ts';
import { toLabelName } from '../domain/labels.ts';
import { SETTINGS_FILE_PATH } from '../domain/settings-problem.ts';
import type { Trigger } from '../domain/trigger.ts';
import { GitHubError } from '../github/github-error.ts';
import type { StoreTx } from '../store/store.ts';
import { acceptComment } from './accept-comment.ts';
import {
  acceptFailedChecks,
  acceptFailedStatus,
  acceptReview,
  acceptThreadTurn,
} from './accept-follow-up.ts';
import { acceptPush } from './accept-push.ts';
import { acceptButton, acceptRerun } from './accept-press.ts';
import { acceptPullRequestTurn } from './accept-pull-request.ts';
import {
  addRepositories,
  changeRepository,
  deleteLabel,
  removeRepositories,
  renameLabel,
} from './accept-repository-trigger.ts';
import { cancelJob } from './cancel-job.ts';
import { wantPriorities } from './follow-labels.ts';
import { judgeLimits } from './judge-limits.ts';
import { newJob } from './new-job.ts';
import { wantNote } from './notes.ts';
import { readSituation } from './read-situation.ts';
import { startJob, tellNotices } from './start-job.ts';
import type { TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';
import { wantLooksAtBlocked } from './want-looks.ts';
import { wantStatusComment } from './want-report.ts';

/**
 * The common tail of everything that asks for work, whichever way we learnt of it. May be called again with the same trigger at any
 * time: once it is dealt with, a repeat is ignored. Throws `GitHubError` when GitHub can't be asked; then nothing was done.
 */
export type AcceptTrigger = (trigger: Trigger) => Promise<TriggerOutcome>;

type IssueTrigger = Situation['trigger'];
type MovedTrigger = Extract<Trigger, { kind: 'pull_request_moved' }>;
type ProposedTrigger = Extract<Trigger, { kind: 'settings_proposed' }>;
type CheckRunTrigger = Extract<Trigger, { kind: 'check_run_completed' }>;

export function createAcceptTrigger(deps: TriggerDeps): AcceptTrigger {
  const { store, log } = deps;

  return async (trigger) => {
    const outcome = await accept(trigger);
    log.info({ trigger: trigger.kind, key: trigger.key, ...outcome }, 'A trigger was dealt with');
    return outcome;
  };

  async function accept(trigger: Trigger): Promise<TriggerOutcome> {
    if (await store.memory.hasTrigger(trigger.key)) return ignored('the same was asked for before');
    switch (trigger.kind) {
      case 'comment':
        return acceptComment(trigger, deps, (work) => record(trigger, work));
      case 'repositories_added':
        return record(trigger, (tx) => addRepositories(tx, trigger));
      case 'repositories_removed':
        return record(trigger, (tx) => removeRepositories(tx, trigger, deps));
      case 'repository_changed':
        return record(trigger, (tx) => changeRepository(tx, trigger, deps));
      case 'label_renamed':
        return record(trigger, (tx) => renameLabel(tx, trigger));
      case 'label_deleted':
        return record(trigger, (tx) => deleteLabel(tx, trigger, deps));
      case 'label_added':
      case 'label_removed':
      case 'issue_ended':
        return acceptIssueTrigger(trigger);
      case 'check_run_completed':
        return acceptCheckRun(trigger);
      case 'button_pressed':
        return acceptButton(trigger, deps, (work) => record(trigger, work));
      case 'rerun_asked':
        return acceptRerun(trigger, deps, (work) => record(trigger, work));
      case 'pull_request_moved':
        return acceptMoved(trigger);
      case 'pull_request_ended':
      case 'pull_request_reopened':
        return acceptPullRequestTurn(trigger, deps, (work) => record(trigger, work));
      case 'settings_proposed':
        return acceptProposed(trigger);
      case 'review_submitted':
        return acceptReview(trigger, deps, (work) => record(trigger, work));
      case 'thread_turned':
        return acceptThreadTurn(trigger, deps, (work) => record(trigger, work));
      case 'branch_pushed':
        return acceptPush(trigger, deps, (work) => record(trigger, work));
      case 'checks_failed':
        return acceptFailedChecks(trigger, deps, (work) => record(trigger, work));
      case 'status_failed':
        return acceptFailedStatus(trigger, deps, (work) => record(trigger, work));
      default:
        return trigger satisfies never;
    }
  }

  /** GitHub only tells where to look: what the check run says is read from GitHub itself. */
  async function acceptCheckRun(trigger: CheckRunTrigger): Promise<TriggerOutcome> {
    const mail = await store.mail.get(trigger.attemptId);
    if (mail?.open !== true) return ignored('no runner reports in this check run');
    const { appId } = await deps.github.identity();
    if (trigger.appId !== appId) return ignored('the check run belongs to another App');
    await deps.lookAtCheckRun(trigger.attemptId);
    return record(trigger, async () => ({ kind: 'looked_at', reason: 'its runner may have reported' }));
  }

  /** A head that we didn't push has no evidence, which is said on it. */
  async function acceptMoved(trigger: MovedTrigger): Promise<TriggerOutcome> {
    const { target, pullRequestNumber, headCommit } = trigger;
    const job = await store.jobs.ofPullRequest(target.repository.id, pullRequestNumber);
    // Most pull requests: of them nothing is kept.
    if (job === null) return ignored('the pull request is none of ours');
    // A revision that goes on pushes before it reports.
    const newest = await store.jobs.ofBranch(target.repository.id, job.branch);
    for (const { attemptId } of [job, newest ?? job]) {
      const attempt = attemptId === null ? null : await store.attempts.get(attemptId);
      if (attempt?.result?.headCommit === headCommit || attempt?.announcedCommit === headCommit)
        return ignored('it is the commit that the evidence is of');
    }
    return record(trigger, async (tx) => {
      const { installationId } = target;
      await tx.want({ effect: { kind: 'evidence', jobId: job.id, commit: headCommit }, installationId });
      return { kind: 'noted', reason: `pull request #${pullRequestNumber} has another head` };
    });
  }

  /** Most pull requests leave the settings alone: of them nothing is kept. */
  async function acceptProposed(trigger: ProposedTrigger): Promise<TriggerOutcome> {
    const { target, pullRequestNumber, headCommit: commit, isFork } = trigger;
    const { id: repositoryId, owner, name } = target.repository;
    if (await isOwnWorkBesideSettings(trigger)) return ignored('our own work leaves the settings alone');
    try {
      if (!(await deps.github.changesFile(target, pullRequestNumber, SETTINGS_FILE_PATH)))
        return ignored('the pull request does not change the settings');
    } catch (error) {
      if (!(error instanceof GitHubError) || error.kind !== 'forbidden') throw error;
      return ignored('the files of the pull request may not be read');
    }
    return record(trigger, async (tx) => {
      const fullName = `${owner}/${name}`;
      const effect = { kind: 'settings-check', repositoryId, fullName, commit, isFork } as const;
      await tx.want({ effect, installationId: target.installationId });
      return { kind: 'noted', reason: `pull request #${pullRequestNumber} changes the settings` };
    });
  }

  /** Of work that a runner has pushed, its report tells which files changed; a renamed one has only its new name there, so GitHub is asked. */
  async function isOwnWorkBesideSettings({
    target,
    branch,
    headCommit,
    isFork,
  }: ProposedTrigger): Promise<boolean> {
    const job = isFork ? null : await store.jobs.ofBranch(target.repository.id, branch);
    const attempt = job?.attemptId == null ? null : await store.attempts.get(job.attemptId);
    if (attempt?.result?.headCommit !== headCommit) return false;
    const { changes, changedFiles } = attempt.result;
    return (
      changes.length === changedFiles &&
      changes.every(({ path, status }) => path !== SETTINGS_FILE_PATH && status !== 'renamed')
    );
  }

  async function acceptIssueTrigger(trigger: IssueTrigger): Promise<TriggerOutcome> {
    const read = await readSituation(trigger, deps);
    return record(trigger, async (tx) => {
      if (trigger.kind === 'issue_ended') await wantLooksAtBlocked(tx, trigger.target);
      const outcome =
        read.kind === 'of_no_interest'
          ? ignored(read.reason)
          : await carryOut(tx, deps.decide(read.situation), read.situation, deps);
      if (!read.isOfPriority) return outcome;
      const live = await tx.jobs.liveOfIssue(trigger.target.repository.id, trigger.issueNumber);
      const count = await wantPriorities(tx, live);
      if (count === 0 || outcome.kind !== 'ignored') return outcome;
      return { kind: 'noted', reason: `the label says how urgent ${count} waiting jobs are` };
    });
  }

  /** Does `work` in one transaction with the key of the trigger, so that the same intent is dealt with once. */
  async function record(
    trigger: Trigger,
    work: (tx: StoreTx) => Promise<TriggerOutcome>,
  ): Promise<TriggerOutcome> {
    return store.transact(async (tx) => {
      // First, so that whoever finds the same at the same time, a sweep beside a webhook, waits for the end of this.
      if (!(await tx.memory.rememberTrigger(trigger.key, 'taken', tx.nowMs)))
        return ignored('the same was asked for before');
      const outcome = await work(tx);
      await tx.memory.noteOutcome(trigger.key, outcome.kind);
      return outcome;
    });
  }
}

async function carryOut(
  tx: StoreTx,
  decision: Decision,
  situation: Situation,
  deps: TriggerDeps,
): Promise<TriggerOutcome> {
  switch (decision.kind) {
    case 'ignore':
      return ignored(decision.reason);
    case 'start':
      return startWithinLimits(tx, decision, situation, deps);
    case 'refuse':
      return refuseJob(tx, decision.reason, situation, deps);
    case 'hint':
      return giveHint(tx, decision, situation);
    case 'point_to':
      await tx.tell(decision.job.id, ASKED_AGAIN_NOTICE, decision.reason);
      await wantStatusComment(tx, decision.job, 'final');
      return { kind: 'refused', reason: decision.reason };
    case 'cancel':
      for (const { id } of decision.jobs) {
        const job = await tx.jobs.lock(id);
        if (job) await cancelJob(tx, job, decision.reason, deps.timings);
      }
      return { kind: 'cancelled', reason: decision.reason };
    default:
      return decision satisfies never;
  }
}

async function giveHint(
  tx: StoreTx,
  { reason, label, meant }: Extract<Decision, { kind: 'hint' }>,
  { trigger: { target, issueNumber } }: Situation,
): Promise<TriggerOutcome> {
  const { installationId, repository } = target;
  await wantNote(
    tx,
    { installationId, repository, number: issueNumber },
    // The key is shown, if hidden, so it holds no words of others.
    {
      key: `label-hint:${repository.id}#${issueNumber}:${meant.specialty}`,
      text: toLabelHintText(label, meant),
    },
  );
  return { kind: 'noted', reason };
}

/** What has been used up today is looked at in the transaction that starts the job, so that no two jobs share the last place. */
async function startWithinLimits(
  tx: StoreTx,
  decision: Extract<Decision, { kind: 'start' }>,
  situation: Situation,
  deps: TriggerDeps,
): Promise<TriggerOutcome> {
  const { trigger, settings } = situation;
  const limits = await judgeLimits(tx, trigger, settings);
  if (limits.refusal !== null) return refuseJob(tx, limits.refusal, situation, deps);
  const label = trigger.kind === 'label_added' ? trigger.label : null;
  const job = await startJob(tx, { ...trigger, ...decision, label }, deps);
  // Somebody else's trigger was first; theirs is under way.
  if (job === null) return ignored(`a ${decision.specialty} job for this issue is under way already`);
  if (decision.beside !== null) await tx.tell(job.id, BESIDE_NOTICE, decision.beside);
  await tellNotices(tx, job, {
    settings: situation.settingsNotice,
    limits: limits.warnings,
  });
  return { kind: 'started', reason: decision.reason };
}

/** A refusal is kept as a job that never began, so that the issue's status comment can show the reason. */
async function refuseJob(
  tx: StoreTx,
  reason: string,
  { trigger, issue, settings }: Situation,
  deps: TriggerDeps,
): Promise<TriggerOutcome> {
  if (!issue.found || trigger.kind !== 'label_added') return ignored(reason);
  const label = trigger.label.toLowerCase();
  const specialty = settings.labels.get(label) ?? label.replace(toLabelName(''), '');
  const known = settings.specialties.get(specialty) ?? [...settings.specialties.values()][0];
  if (!known) throw new Error('The settings have no specialty at all');
  const job = await newJob(tx, deps, {
    issue: issue.issue,
    specialty,
    needs: known.needs,
    settings: known.settings,
    instructions: null,
    state: 'refused',
    stateReason: reason,
    target: trigger.target,
    sender: trigger.sender,
    label: trigger.label,
    attemptId: null,
  });
  await tx.jobs.insert(job);
  await tx.tell(job.id, 'refused', reason);
  await wantStatusComment(tx, job, 'final');
  return { kind: 'refused', reason };
}

function ignored(reason: string): TriggerOutcome {
  return { kind: 'ignored', reason };
}
