import { toButtonLabel } from '../domain/check-run-buttons.ts';
import type { CommandDecision } from '../domain/decide-commands.ts';
import type { IssueReading } from '../domain/decide.ts';
import { decidePress, type PressWish } from '../domain/decide-press.ts';
import { toInline } from '../domain/markdown-escape.ts';
import { mayWrite } from '../domain/permission.ts';
import { BUDGETS } from '../domain/timings.ts';
import type { Actor, CheckRunClaim, RepositoryTarget, Trigger } from '../domain/trigger.ts';
import type { Denial, StartRules } from '../domain/who-may-start.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import {
  carryOutCommand,
  explainCommandLimit,
  isFirstDenial,
  OverLimit,
  readForCommands,
} from './carry-out-command.ts';
import { sayCheckRunAgain, sayEvidenceAgain, saySettingsAgain } from './say-again.ts';
import { readRevision } from './read-revision.ts';
import { settingsReader } from './read-settings.ts';
import { readStanding } from './read-standing.ts';
import { readStatusUrl } from './effects/status-comment.ts';
import type { RecordTrigger, TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';
import { JOBS_READ } from './jobs-read.ts';

type ButtonTrigger = Extract<Trigger, { kind: 'button_pressed' }>;
type RerunTrigger = Extract<Trigger, { kind: 'rerun_asked' }>;
type Deps = Pick<TriggerDeps, 'store' | 'github' | 'newId' | 'timings'>;
type Pressed = { job: StoredJob; attempt: StoredAttempt };

/** Does what the button says, as the command of that name would. A refusal is answered on the issue; a check run has one writer already. */
export async function acceptButton(
  trigger: ButtonTrigger,
  deps: Deps,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const { store } = deps;
  const { target, sender, button, checkRun } = trigger;
  const found = await findPressed(target, checkRun, deps);
  if (found === null) return record(async () => ignored('the check run is none of ours'));
  // A double click is one press.
  const doneKey = `pressed:${found.attempt.id}:${button}:${sender.id}`;
  if (await store.memory.hasTrigger(doneKey)) return record(async () => ignored('it was done already'));
  if ((await countRecent(store, trigger, await store.nowMs())) > BUDGETS.commandsPerPerson) {
    return record(async () => ignored(`${sender.login} has asked for too much`));
  }
  const press = await judge({ target, sender, wish: button, ...found }, deps);
  const { denial } = press;
  if (denial?.isSilent === true) return record(async () => ignored(denial.reason));
  try {
    return await record(async (tx) => {
      if ((await countRecent(tx, trigger, tx.nowMs)) === BUDGETS.commandsPerPerson) {
        return refuse(tx, trigger, found, explainCommandLimit());
      }
      const decision = await press.decide(tx);
      if (decision.kind === 'refuse') {
        const place = { target, issueNumber: found.job.issue.number, sender };
        const mayTell = decision.code !== 'permission' || (await isFirstDenial(tx, place));
        return refuse(tx, trigger, found, mayTell ? decision.reason : null);
      }
      await press.carryOut(tx, decision);
      await tx.memory.rememberTrigger(doneKey, 'commanded', tx.nowMs);
      await keep(tx, trigger, found, null);
      return { kind: 'commanded', reason: `${sender.login} pressed ${toButtonLabel(button)}` };
    });
  } catch (error) {
    if (!(error instanceof OverLimit)) throw error;
    return record((tx) => refuse(tx, trigger, found, toInline(error.message, 1000)));
  }
}

/**
 * Somebody wants checks to run again: the work is tried once more if it failed, otherwise nothing happens but a line in the log. GitHub
 * counts the commit's checks as open from then on, so what they say is said again in any case.
 */
export async function acceptRerun(
  trigger: RerunTrigger,
  deps: Deps,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const { store, github } = deps;
  const { target, sender, headCommit, branch, checkRun } = trigger;
  const { appId } = await github.identity();
  if (trigger.appId !== appId) return ignored('the checks belong to another App');
  const attempt = await store.attempts.ofStartCommit(headCommit);
  if (attempt === null || attempt.checkRun === null) {
    const job = branch === null ? null : await store.jobs.ofBranch(target.repository.id, branch);
    return record(async (tx) => {
      const isSettings = await saySettingsAgain(tx, target, headCommit);
      if (job === null)
        return ignored(isSettings ? 'the settings are checked again' : 'the checks are none of ours');
      await sayEvidenceAgain(tx, job, headCommit);
      return ignored('evidence is what was seen once; it is not made again');
    });
  }
  const claim = checkRun ?? {
    id: attempt.checkRun.id,
    appId,
    headCommit,
    jobId: attempt.jobId,
    attemptId: attempt.id,
  };
  const found = await findPressed(target, claim, deps);
  if (found === null) return record(async () => ignored('the check run is none of ours'));
  const rerun = await judge({ target, sender, wish: 'rerun', ...found }, deps);
  const work = async (tx: StoreTx): Promise<TriggerOutcome> => {
    await sayCheckRunAgain(tx, found.job, found.attempt);
    // A revision begins at a head that has its evidence already.
    const { repository, revision } = found.job;
    const published = revision && (await tx.jobs.ofPullRequest(repository.id, revision.pullRequest.number));
    if (published) await sayEvidenceAgain(tx, published, headCommit);
    const decision = await rerun.decide(tx);
    if (decision.kind === 'refuse') return ignored(decision.reason);
    await rerun.carryOut(tx, decision);
    return { kind: 'commanded', reason: `${sender.login} re-ran the check run` };
  };
  try {
    return await record(work);
  } catch (error) {
    if (!(error instanceof OverLimit)) throw error;
    return record(async () => ignored(error.message));
  }
}

/** The attempt whose check run it is; `null` unless App, repository, check run, job and commit are all what we know them to be. */
async function findPressed(
  target: RepositoryTarget,
  claim: CheckRunClaim,
  { store, github }: Deps,
): Promise<Pressed | null> {
  const { appId } = await github.identity();
  const attempt = await store.attempts.get(claim.attemptId);
  const job = attempt && (await store.jobs.get(attempt.jobId));
  if (!job || claim.appId !== appId) return null;
  const isRight =
    job.repository.id === target.repository.id &&
    attempt.jobId === claim.jobId &&
    attempt.checkRun?.id === claim.id &&
    attempt.startCommit === claim.headCommit;
  return isRight ? { job, attempt } : null;
}

/** Reads what the decision needs; who it is, GitHub is asked each time. The request is the one of the job: no later edit of the issue reaches the agent. */
async function judge(
  {
    target,
    sender,
    wish,
    job,
    attempt,
  }: Pressed & { target: RepositoryTarget; sender: Actor; wish: PressWish },
  deps: Deps,
): Promise<{
  denial: Denial | null;
  decide(tx: StoreTx): Promise<CommandDecision>;
  carryOut(tx: StoreTx, decision: Extract<CommandDecision, { kind: 'accept' }>): Promise<void>;
}> {
  const settings = settingsReader(target, deps);
  const rules = async (): Promise<StartRules> => (await settings()).settings.triggers;
  const { permission, denial } = await readStanding(target, sender, rules, deps);
  const starts = wish !== 'cancel' && mayWrite(permission) && denial === null;
  const issueNumber = job.issue.number;
  const { inForce, issue, openPullRequests } = await readForCommands(
    { target, issueNumber, starts, withLinked: starts && job.kind !== 'revise', settings },
    deps,
  );
  const at = new Date(await deps.store.nowMs()).toISOString();
  const asking = { at, known: { [sender.login]: permission } };
  const revised = starts ? (job.revision?.pullRequest.number ?? null) : null;
  const revision = revised === null ? null : await readRevision(target, revised, asking, deps);

  return {
    denial,
    async decide(tx) {
      const jobs = await tx.jobs.ofIssue(target.repository.id, issueNumber, JOBS_READ);
      const current = await tx.jobs.get(job.id);
      return decidePress({
        wish,
        sender,
        permission,
        denial,
        repository: `${target.repository.owner}/${target.repository.name}`,
        job: current ?? job,
        attempt,
        currentAttemptId: current?.attemptId ?? null,
        jobs,
        issue: asAskedThen(issue, job),
        settings: inForce.settings,
        settingsProblem: inForce.problem,
        openPullRequests,
        revision,
        statusUrl: await readStatusUrl(tx, target.repository, issueNumber),
      });
    },
    async carryOut(tx, decision) {
      for (const action of decision.actions)
        await carryOutCommand(tx, action, { target, sender }, inForce, deps);
    },
  };
}

function asAskedThen(reading: IssueReading, { issue }: StoredJob): IssueReading {
  if (!reading.found) return reading;
  const { title, body, comments, commentsLeftOut } = issue;
  return {
    ...reading,
    issue: {
      ...reading.issue,
      title,
      body,
      ...(comments === undefined ? {} : { comments }),
      ...(commentsLeftOut === undefined ? {} : { commentsLeftOut }),
    },
  };
}

/** Comments with commands and presses of this person lately. */
function countRecent(
  { commands }: Pick<Store, 'commands'>,
  { target, sender }: ButtonTrigger,
  nowMs: number,
): Promise<number> {
  const sinceMs = nowMs - BUDGETS.commandWindowMinutes * 60_000;
  return commands.countOf(target.repository.id, sender.login, sinceMs);
}

async function refuse(
  tx: StoreTx,
  trigger: ButtonTrigger,
  found: Pressed,
  reason: string | null,
): Promise<TriggerOutcome> {
  await keep(tx, trigger, found, reason);
  if (reason !== null) {
    const { installationId } = trigger.target;
    await tx.want({ effect: { kind: 'press-answer', key: trigger.key }, installationId });
  }
  return { kind: 'refused', reason: reason ?? 'refused without a word' };
}

async function keep(
  tx: StoreTx,
  { key, target, sender, button }: ButtonTrigger,
  { job, attempt }: Pressed,
  reason: string | null,
): Promise<void> {
  const { installationId, repository } = target;
  const issueNumber = job.issue.number;
  await tx.commands.insertPress(
    {
      key,
      repository,
      installationId,
      issueNumber,
      attemptId: attempt.id,
      button,
      sender: sender.login,
      reason,
    },
    tx.nowMs,
  );
}

function ignored(reason: string): TriggerOutcome {
  return { kind: 'ignored', reason };
}
