import type { IssueSnapshot } from '../../contract/issue-snapshot.ts';
import type { RepositoryTarget } from '../../domain/trigger.ts';
import { readSettingsWithAliases } from '../read-situation.ts';
import { type Branches, findOldAttempt } from './find-old-attempt.ts';
import { hashText, type JobFacts } from './recovery-marker.ts';
import { CLOCKS_APART_MS, type RecoveredJob, type RecoveryDeps } from './recovery-plan.ts';

/** What becomes of one job of a status comment; `null`: it ended well, and there is nothing to do. Throws `GitHubError`. */
export async function planJob(
  target: RepositoryTarget,
  found: { facts: JobFacts; issueNumber: number; commentId: number },
  branches: Branches,
  deps: RecoveryDeps,
): Promise<RecoveredJob | null> {
  const { facts, issueNumber, commentId } = found;
  const all = await deps.reads.pullRequests(target, facts.branch);
  const [pullRequest] = all.filter(({ createdAtMs }) => createdAtMs >= facts.createdAtMs - CLOCKS_APART_MS);
  const isOver = facts.state === 'succeeded' && (facts.kind === 'revise' || pullRequest !== undefined);
  if (isOver) return planPublished(target, found, all.find(({ isOpen }) => isOpen) ?? null, deps);

  const reading = await deps.github.readIssue(target, issueNumber);
  const oldAttempt = await findOldAttempt(target, facts, branches, deps);
  const issue = reading.found ? reading.issue : null;
  const base = { target, commentId, facts, issue, oldAttempt: oldAttempt?.attempt ?? null };
  const ended = (reason: string): RecoveredJob => ({ ...base, kind: 'ended', reason });

  if (pullRequest !== undefined) {
    const { number, url } = pullRequest;
    return {
      ...base,
      kind: 'linked',
      reason: `pull request #${number} is there`,
      pullRequest: { number, url },
    };
  }
  if (!reading.found) return ended(`The issue can’t be read: ${reason(reading)}`);
  if (reading.state === 'closed') return ended('The issue was closed');
  if (reading.locked) return ended('The issue was locked');
  const { label } = facts;
  if (label !== null && !reading.issue.labels.some((name) => name.toLowerCase() === label.toLowerCase()))
    return ended(`The label "${label}" was removed`);
  const claim = oldAttempt?.claim ?? null;
  const wasCancelled =
    claim === null ? oldAttempt?.conclusion === 'cancelled' : claim.order.verb === 'cancel';
  if (facts.state === 'cancelling' || wasCancelled) return ended('It was cancelled');
  if (hashText(reading.issue) !== facts.textHash)
    return ended('The issue has changed since the work was asked for. Remove the label and add it again');
  if (facts.kind !== 'resolve')
    return ended('Work on an open pull request can’t be rebuilt. Ask for it again');
  const { settings } = await readSettingsWithAliases(target, deps);
  const specialty = settings.specialties.get(facts.specialty);
  if (specialty === undefined) return ended(`The settings know no specialty "${facts.specialty}" any more`);
  const asked = { needs: specialty.needs, settings };
  if (claim !== null)
    return { ...base, ...asked, kind: 'goes_on', reason: `${claim.report.facts.name} has it`, claim };
  return { ...base, ...asked, kind: 'again', reason: `it was ${facts.state}` };
}

/** Nobody has to do anything about it, but whoever asks for more of it must find it. `null`: there is nothing to ask for. */
async function planPublished(
  target: RepositoryTarget,
  { facts, issueNumber, commentId }: { facts: JobFacts; issueNumber: number; commentId: number },
  open: { number: number; url: string } | null,
  deps: RecoveryDeps,
): Promise<RecoveredJob | null> {
  if (open === null) return null;
  const reading = await deps.github.readIssue(target, issueNumber);
  if (!reading.found) return null;
  const { number, url } = open;
  const { settings } = await readSettingsWithAliases(target, deps);
  return {
    target,
    commentId,
    facts,
    // No later edit of the issue reaches an agent.
    issue: hashText(reading.issue) === facts.textHash ? reading.issue : withoutText(reading.issue),
    oldAttempt: null,
    kind: 'published',
    reason: `pull request #${number} is open`,
    pullRequest: { number, url },
    settings,
  };
}

function withoutText(issue: IssueSnapshot): IssueSnapshot {
  const body =
    'The text of the issue has changed since the work was asked for, and what it was then is lost.';
  return { ...issue, title: `Issue ${issue.number}`, body };
}

function reason(reading: { found: boolean; reason?: string }): string {
  return reading.reason ?? 'it is not there';
}
