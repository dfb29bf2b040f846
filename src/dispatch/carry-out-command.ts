import type { CommandAction } from '../domain/decide-commands.ts';
import type { IssueReading } from '../domain/decide.ts';
import type { OpenPullRequest } from '../domain/open-pull-requests.ts';
import { BESIDE_NOTICE, PICKED_NOTICE } from '../domain/job.ts';
import { BUDGETS } from '../domain/timings.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { cancelJob } from './cancel-job.ts';
import { holdJob, setPriority, unholdJob } from './hold-job.ts';
import { judgeLimits } from './judge-limits.ts';
import { readOpenPullRequests } from './read-open-pull-requests.ts';
import { BUILT_IN_SETTINGS, type SettingsInForce } from './read-settings.ts';
import { startJob, tellNotices } from './start-job.ts';
import { startRevision } from './start-revision.ts';
import type { TriggerDeps } from './trigger-deps.ts';

type CarryOutDeps = Pick<TriggerDeps, 'newId' | 'timings'>;

/** A limit of the day keeps a job from starting: the transaction is undone, so that nothing of what was asked for is done. */
export class OverLimit extends Error {
  override readonly name = 'OverLimit';
}

const NOT_READ: IssueReading = { found: false, reason: 'it was not read' };

/** What commands are judged by beside the jobs; asked of GitHub only for those that start work. */
export async function readForCommands(
  wanted: {
    target: RepositoryTarget;
    issueNumber: number;
    starts: boolean;
    /** What others have open for the issue keeps it from starting. */
    withLinked: boolean;
    settings: () => Promise<SettingsInForce>;
  },
  deps: {
    store: Pick<Store, 'jobs'>;
    github: Pick<GitHub, 'readIssue' | 'readPullRequest' | 'readClosingPullRequests'>;
  },
): Promise<{ inForce: SettingsInForce; issue: IssueReading; openPullRequests: OpenPullRequest[] }> {
  const { target, issueNumber, starts, withLinked, settings } = wanted;
  const [inForce, issue, openPullRequests] = await Promise.all([
    starts ? settings() : BUILT_IN_SETTINGS,
    starts ? deps.github.readIssue(target, issueNumber) : NOT_READ,
    starts ? readOpenPullRequests(target, issueNumber, withLinked, deps) : [],
  ]);
  return { inForce, issue, openPullRequests };
}

/** Does what was decided, in the transaction that decided it. Throws `OverLimit` when the job must not start today. */
export async function carryOutCommand(
  tx: StoreTx,
  action: CommandAction,
  { target, sender }: { target: RepositoryTarget; sender: Actor },
  inForce: SettingsInForce,
  deps: CarryOutDeps,
): Promise<void> {
  switch (action.kind) {
    case 'start': {
      const limits = await judgeLimits(tx, { target, sender }, inForce.settings);
      if (limits.refusal !== null) throw new OverLimit(limits.refusal);
      const job = await startJob(tx, { ...action, target, sender }, deps);
      // Nothing is done then, and the next try sees that job.
      if (job === null) throw new Error(`Another ${action.specialty} job began at the same moment`);
      if (action.picked !== undefined) await tx.tell(job.id, PICKED_NOTICE, action.picked);
      if (action.beside !== null) await tx.tell(job.id, BESIDE_NOTICE, action.beside);
      return tellNotices(tx, job, { settings: inForce.notice, limits: limits.warnings });
    }
    case 'revise': {
      const limits = await judgeLimits(tx, { target, sender }, inForce.settings);
      if (limits.refusal !== null) throw new OverLimit(limits.refusal);
      const job = await startRevision(tx, action, { target, sender }, deps);
      if (job === null) throw new Error(`Another ${action.specialty} job began at the same moment`);
      return tellNotices(tx, job, { settings: inForce.notice, limits: limits.warnings });
    }
    case 'cancel':
    case 'hold':
    case 'unhold':
    case 'priority':
      for (const { id } of action.jobs) {
        const job = await tx.jobs.lock(id);
        if (job) await change(tx, job, action, deps);
      }
      return;
    case 'tell':
      return;
    default:
      action satisfies never;
  }
}

async function change(
  tx: StoreTx,
  job: StoredJob,
  action: Exclude<CommandAction, { kind: 'start' | 'revise' | 'tell' }>,
  deps: CarryOutDeps,
): Promise<unknown> {
  switch (action.kind) {
    case 'cancel':
      return cancelJob(tx, job, action.reason, deps.timings);
    case 'hold':
      return holdJob(tx, job, action.reason);
    case 'unhold':
      return unholdJob(tx, job, action.reason);
    case 'priority':
      return setPriority(tx, job, action.priority, action.reason);
    default:
      return action satisfies never;
  }
}

/** Whoever may not command is told so once on an issue. */
export function isFirstDenial(
  tx: StoreTx,
  { target, issueNumber, sender }: { target: RepositoryTarget; issueNumber: number; sender: Actor },
): Promise<boolean> {
  const key = `denied:${target.repository.id}#${issueNumber}:${sender.login.toLowerCase()}`;
  return tx.memory.rememberTrigger(key, 'told', tx.nowMs);
}

/** What whoever commands too much is told, once. */
export function explainCommandLimit(): string {
  return `You wrote ${BUDGETS.commandsPerPerson} comments with commands within ${BUDGETS.commandWindowMinutes} minutes, and that is the most. Wait a few minutes, then write it again; until then, more get no answer.`;
}
