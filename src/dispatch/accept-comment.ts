import { type CommandLine, STARTING_COMMANDS } from '../domain/command-grammar.ts';
import { decideCommands, type CommandSituation } from '../domain/decide-commands.ts';
import type { IssueReading } from '../domain/decide.ts';
import { toCode, toInline } from '../domain/markdown-escape.ts';
import { mayWrite } from '../domain/permission.ts';
import { BUDGETS } from '../domain/timings.ts';
import type { CommentRef, Trigger } from '../domain/trigger.ts';
import { isBot, type StartRules } from '../domain/who-may-start.ts';
import type { StoredCommand } from '../store/commands.ts';
import type { StoreTx } from '../store/store.ts';
import {
  carryOutCommand,
  explainCommandLimit,
  isFirstDenial,
  OverLimit,
  readForCommands,
} from './carry-out-command.ts';
import { readStatusUrl } from './effects/status-comment.ts';
import { withComments } from './read-comments.ts';
import { findRevised, readRevision } from './read-revision.ts';
import { BUILT_IN_SETTINGS, settingsReader } from './read-settings.ts';
import { readStanding } from './read-standing.ts';
import { toRoundKey } from './review-round.ts';
import type { RecordTrigger, TriggerDeps } from './trigger-deps.ts';
import type { TriggerOutcome } from './trigger-outcome.ts';
import { JOBS_READ } from './jobs-read.ts';

type CommentTrigger = Extract<Trigger, { kind: 'comment' }>;
type Deps = Pick<TriggerDeps, 'store' | 'github' | 'newId' | 'timings'>;
/** What starts nothing is held against no rules of the settings. */
const anybody = async (): Promise<StartRules> => BUILT_IN_SETTINGS.settings.triggers;

/**
 * Deals with the commands of a comment: all of them in one transaction, or none. That it was read is shown by a reaction at once; what came
 * of it by another one, and by an answer where there is something to say.
 */
export async function acceptComment(
  trigger: CommentTrigger,
  deps: Deps,
  record: RecordTrigger,
): Promise<TriggerOutcome> {
  const { target, sender, reading } = trigger;
  // In threads and reviews bots repeat what others say: whoever gets one to do so would command by it.
  if (isBot(sender) && trigger.place.kind !== 'conversation')
    return record(async () => ignored('bots give commands in the conversation alone'));
  const settings = settingsReader(target, deps);
  const rules = async (): Promise<StartRules> => (await settings()).settings.triggers;
  const ofBot = isBot(sender) ? await readStanding(target, sender, rules, deps) : null;
  const unheard = ofBot?.denial ?? null;
  if (unheard !== null) return record(async () => ignored(unheard.reason));
  const subject = await findSubject(trigger, deps);
  const seen = await noteSeen(trigger, subject.issueNumber, deps);
  if (seen === 'over_limit')
    return record(async () => ignored(`${sender.login} has written too many commands`));
  if (seen === 'at_limit') return record((tx) => refuse(tx, trigger, explainCommandLimit()));

  const asksToStart =
    reading.kind === 'commands' && reading.lines.some(({ command }) => STARTING_COMMANDS.has(command.name));
  const { permission, denial } =
    ofBot ?? (await readStanding(target, sender, asksToStart ? rules : anybody, deps));
  const isWriter = mayWrite(permission);
  if (reading.kind === 'mistake') {
    // Who may not command anything gets no lesson in it.
    const answer = isWriter ? reading.message : null;
    return record((tx) => refuse(tx, trigger, answer));
  }
  const roundKey = trigger.review === null ? null : toRoundKey(target.repository.id, trigger.review.id);
  const hasRound = roundKey !== null && (await deps.store.memory.hasTrigger(roundKey));
  // The round that its review has is the one that it asks for.
  const lines = hasRound ? reading.lines.filter((line) => !isFix(line)) : reading.lines;
  const known = await deps.store.jobs.ofIssue(target.repository.id, subject.issueNumber, JOBS_READ);
  const revised = isWriter && denial === null ? findRevised(lines, known, trigger) : null;
  const startsNew = lines.some(({ command }) => command.name === 'run' || command.name === 'retry');
  const starts = isWriter && denial === null && (startsNew || revised !== null);
  const {
    inForce,
    issue: found,
    openPullRequests,
  } = await readForCommands(
    {
      target,
      issueNumber: subject.issueNumber,
      starts,
      withLinked: starts && startsBesideNothing(reading.lines),
      settings,
    },
    deps,
  );
  const asking = { at: trigger.at, commentId: trigger.commentId };
  const permissions = { [sender.login]: permission };
  const revision =
    revised === null
      ? null
      : await readRevision(target, revised, { at: trigger.at, known: permissions }, deps);
  const issue = startsNew ? await withComments(target, found, asking, permissions, deps) : found;
  const work = async (tx: StoreTx): Promise<TriggerOutcome> => {
    const jobs = await tx.jobs.ofIssue(target.repository.id, subject.issueNumber, JOBS_READ);
    const situation: CommandSituation = {
      lines,
      sender,
      permission,
      denial,
      repository: `${target.repository.owner}/${target.repository.name}`,
      isPullRequest: trigger.isPullRequest,
      issue: asCommented(issue, trigger),
      settings: inForce.settings,
      settingsProblem: inForce.problem,
      jobs,
      openPullRequests,
      revision,
      statusUrl: await readStatusUrl(tx, target.repository, subject.issueNumber),
      by: 'by a command',
    };
    const decision = decideCommands(situation);
    if (decision.kind === 'refuse') {
      // What keeps a review from being worked on is told of the review, right after this.
      const isToldLater = trigger.review?.wantsChanges === true && lines.every(isFix);
      const mayTell = !isToldLater && (decision.code !== 'permission' || (await isFirstDenial(tx, trigger)));
      return refuse(tx, trigger, mayTell ? decision.reason : null);
    }
    const topics = decision.actions.flatMap((action) => (action.kind === 'tell' ? [action.topic] : []));
    for (const action of decision.actions) await carryOutCommand(tx, action, trigger, inForce, deps);
    if (roundKey !== null && decision.actions.some(({ kind }) => kind === 'revise'))
      await tx.memory.rememberTrigger(roundKey, 'commanded', tx.nowMs);
    return settle(tx, trigger, { verdict: 'accepted', reason: null, topics });
  };
  try {
    return await record(work);
  } catch (error) {
    if (!(error instanceof OverLimit)) throw error;
    return record((tx) => refuse(tx, trigger, toInline(error.message, 1000)));
  }
}

/** Some of it starts work, and not whatever others have open for the issue. */
function startsBesideNothing(lines: readonly CommandLine[]): boolean {
  return lines.some(
    ({ command }) => (command.name === 'run' || command.name === 'retry') && command.anyway !== true,
  );
}

/** The issue that the comment is about: behind a pull request of ours, the one that it resolves. */
async function findSubject(
  { target, issueNumber, isPullRequest }: CommentTrigger,
  { store }: Deps,
): Promise<{ issueNumber: number }> {
  if (!isPullRequest) return { issueNumber };
  const job = await store.jobs.ofPullRequest(target.repository.id, issueNumber);
  return { issueNumber: job?.issue.number ?? issueNumber };
}

/** Keeps the comment and wants the reaction that it was read; `over_limit`: kept nowhere, and not answered. */
async function noteSeen(
  trigger: CommentTrigger,
  subjectNumber: number,
  { store }: Deps,
): Promise<'within_limit' | 'at_limit' | 'over_limit'> {
  const { target, issueNumber, commentId, place, sender } = trigger;
  const { installationId, repository } = target;
  return store.transact(async (tx) => {
    const sinceMs = tx.nowMs - BUDGETS.commandWindowMinutes * 60_000;
    const known = await tx.commands.get(repository.id, toRef(trigger));
    const others =
      (await tx.commands.countOf(repository.id, sender.login, sinceMs)) - (known === null ? 0 : 1);
    if (others > BUDGETS.commandsPerPerson) return 'over_limit';
    const command: StoredCommand = {
      repository,
      commentId,
      place,
      installationId,
      issueNumber,
      subjectNumber,
      sender: sender.login,
      verdict: null,
      reason: null,
      topics: [],
    };
    if (await tx.commands.insert(command, tx.nowMs)) await wantAnswer(tx, trigger);
    return others === BUDGETS.commandsPerPerson ? 'at_limit' : 'within_limit';
  });
}

/** GitHub tells whether work may start; what the work is was said when the comment was written. */
function asCommented(reading: IssueReading, { issue }: CommentTrigger): IssueReading {
  return reading.found ? { ...reading, issue: { ...reading.issue, ...issue } } : reading;
}

async function refuse(tx: StoreTx, trigger: CommentTrigger, reason: string | null): Promise<TriggerOutcome> {
  return settle(tx, trigger, { verdict: 'refused', reason, topics: [] });
}

async function settle(
  tx: StoreTx,
  trigger: CommentTrigger,
  decided: Pick<StoredCommand, 'verdict' | 'reason' | 'topics'>,
): Promise<TriggerOutcome> {
  await tx.commands.decide(trigger.target.repository.id, toRef(trigger), decided);
  await wantAnswer(tx, trigger);
  return decided.verdict === 'refused'
    ? { kind: 'refused', reason: decided.reason ?? 'refused without a word' }
    : { kind: 'commanded', reason: `${toCode(trigger.sender.login, 100)} asked for it by a command` };
}

async function wantAnswer(tx: StoreTx, trigger: CommentTrigger): Promise<void> {
  const { target } = trigger;
  await tx.want({
    effect: { kind: 'command', repositoryId: target.repository.id, ...toRef(trigger) },
    installationId: target.installationId,
  });
}

function isFix({ command }: CommandLine): boolean {
  return command.name === 'fix';
}

function toRef({ commentId, place }: CommentTrigger): CommentRef {
  return { commentId, place: place.kind };
}

function ignored(reason: string): TriggerOutcome {
  return { kind: 'ignored', reason };
}
