import { mayWrite } from '../domain/permission.ts';
import { differsFrom, findLabelPriority, followsLabels } from '../domain/priority-labels.ts';
import type { RepoSettings } from '../domain/repo-settings.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { LabelEvent, ListedIssue } from '../github/sweep-reads.ts';
import { wantPriorities } from './follow-labels.ts';
import { readSettingsWithAliases } from './read-situation.ts';
import { sweepComments } from './reconcile-comments.ts';
import { sweepReviews } from './reconcile-reviews.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';
import { sweepEach } from './sweep-each.ts';
import { ISSUE_SWEEP } from './sweep-names.ts';

/** How far back the first look at a repository goes. */
const FIRST_LOOK_MS = 7 * 24 * 60 * 60_000;
/** An issue's `updated_at` and the time of the labelling that moved it may differ by this much. */
const TOLERANCE_MS = 3000;
/** Who did it, where GitHub's lists don't tell. */
const SOMEBODY = { login: 'somebody', id: 0, isBot: false };

/**
 * Looks through the issues that were changed since the last round for what no webhook told of: labels that ask for work, commands in
 * comments and reviews, and what ends it. Commands from before the first look count for nothing: nobody wrote them to us.
 * Everything goes the way of the webhooks, under the same keys, so that what both find is done once.
 *
 * One request for each repository while nothing changes, which GitHub answers with 304.
 */
export function createIssueSweep(deps: SweepDeps): () => Promise<SweepFindings> {
  const { store, reads, log } = deps;
  /** Only saves requests: a new process begins without. */
  const etags = new Map<number, { since: string; etag: string }>();

  return async () => {
    let found = 0;
    await sweepEach(
      await store.sweeps.repositories(),
      async (target) => {
        found += await sweepRepository(target);
      },
      ({ repository }, error) =>
        log.info({ err: error, repositoryId: repository.id }, 'A repository can not be looked at'),
    );
    return { found };
  };

  async function sweepRepository(target: RepositoryTarget): Promise<number> {
    const { id } = target.repository;
    const nowMs = await store.nowMs();
    const markName = `${ISSUE_SWEEP}:${id}`;
    const since = (await store.sweeps.getMark(markName)) ?? toTime(nowMs - FIRST_LOOK_MS);
    const known = etags.get(id);
    const listed = await reads.changedIssues(target, since, known?.since === since ? known.etag : null);
    if (listed === null) return 0;

    let found = 0;
    let youngest: string | null = null;
    let settings: Promise<RepoSettings> | null = null;
    const readSettings = () =>
      (settings ??= readSettingsWithAliases(target, deps).then((inForce) => inForce.settings));
    for (const issue of listed.issues) {
      const result = await look(target, issue, readSettings, nowMs);
      found += result.found;
      if (result.isTooYoung) youngest ??= issue.updatedAt;
    }
    const notBefore = await store.sweeps.getMark(`${markName}:comments`);
    if (notBefore === null) await store.sweeps.putMark(`${markName}:comments`, toTime(nowMs));
    else if (listed.issues.length > 0) {
      const looked = { target, since, notBefore, issues: listed.issues, nowMs };
      for (const sweep of [sweepComments, sweepReviews]) {
        const said = await sweep(looked, deps);
        found += said.found;
        if (said.nextSince !== null && (youngest === null || said.nextSince < youngest))
          youngest = said.nextSince;
      }
    }
    // `since` includes its own second, so that nothing falls between two rounds.
    const reached = youngest ?? listed.issues.at(-1)?.updatedAt ?? since;
    if (reached !== since) await store.sweeps.putMark(markName, reached);
    if (reached === since && youngest === null && listed.etag !== null)
      etags.set(id, { since, etag: listed.etag });
    else etags.delete(id);
    return found;
  }

  async function look(
    target: RepositoryTarget,
    issue: ListedIssue,
    readSettings: () => Promise<RepoSettings>,
    nowMs: number,
  ): Promise<{ found: number; isTooYoung: boolean }> {
    const nothing = { found: 0, isTooYoung: false };
    if (issue.isPullRequest) return { ...nothing, found: await lookAtPullRequest(target, issue) };
    const live = await store.jobs.liveOfIssue(target.repository.id, issue.number);
    let found = 0;
    if (live.length > 0 && (issue.state === 'closed' || issue.locked)) {
      return { ...nothing, found: await acceptEnd(target, issue) };
    }
    let events: LabelEvent[] | null = null;
    for (const { label } of live) {
      if (label === null || issue.labels.some((name) => isSame(name, label))) continue;
      events ??= await reads.labelEvents(target, issue.number);
      // Not there any more, but not taken off either: the label itself was renamed or deleted, of which its own webhook tells.
      const last = events.findLast((event) => isSame(event.label, label));
      if (last?.kind === 'unlabeled') found += await acceptRemoval(target, issue, last);
    }
    const following = live.filter(followsLabels);
    const isUrgent = following.some(({ prioritySource }) => prioritySource !== null);
    if (issue.state === 'closed' || (issue.labels.length === 0 && !isUrgent)) return { ...nothing, found };

    let isTooYoung = false;
    const settings = await readSettings();
    const priority = findLabelPriority(issue.labels, settings.priorityLabels);
    const astray = following.filter((job) => differsFrom(priority, job));
    if (astray.length > 0) found += await store.transact((tx) => wantPriorities(tx, astray));
    for (const label of issue.labels) {
      const specialty = settings.labels.get(label.toLowerCase());
      if (specialty === undefined || live.some((job) => job.specialty === specialty)) continue;
      events ??= await reads.labelEvents(target, issue.number);
      const labelled = events.findLast((event) => isSame(event.label, label));
      if (labelled?.kind !== 'labeled' || (await isKnown(target, issue.number, labelled))) continue;
      if (nowMs - Date.parse(labelled.at) < deps.timings.issueSweepGraceSeconds * 1000) isTooYoung = true;
      else found += await acceptLabel(target, issue, label, labelled);
    }
    return { found, isTooYoung };
  }

  /** One of ours that was merged, closed or opened again. */
  async function lookAtPullRequest(
    target: RepositoryTarget,
    { number, state, closedAt, updatedAt }: ListedIssue,
  ): Promise<number> {
    const job = await store.jobs.ofPullRequest(target.repository.id, number);
    if (job === null || (state === 'closed') === (job.pullRequest?.ended !== undefined)) return 0;
    const kind = state === 'closed' ? 'pull_request_ended' : 'pull_request_reopened';
    const at = (state === 'closed' ? closedAt : null) ?? updatedAt;
    const key = `${kind}:${target.repository.id}#${number}:${at}`;
    return count({ kind, key, target, pullRequestNumber: number, sender: SOMEBODY });
  }

  /** The same labelling, or a later one, was dealt with. */
  async function isKnown(target: RepositoryTarget, issueNumber: number, labelled: LabelEvent) {
    const issue = { repositoryId: target.repository.id, issueNumber };
    const times = await store.memory.labellings(issue, labelled.label.toLowerCase());
    return times.some((time) => Date.parse(time) >= Date.parse(labelled.at) - TOLERANCE_MS);
  }

  async function acceptLabel(
    target: RepositoryTarget,
    issue: ListedIssue,
    label: string,
    { at, actor }: LabelEvent,
  ): Promise<number> {
    const { number, title, body } = issue;
    const wasChanged = Date.parse(issue.updatedAt) > Date.parse(at) + TOLERANCE_MS;
    return count({
      kind: 'label_added',
      key: `label_added:${target.repository.id}#${number}:${at}:${label.toLowerCase()}`,
      target,
      issueNumber: number,
      label,
      at,
      issue: { title, body },
      // Whoever added the label answers for the text of that moment. An author who may start work may change it; others may not.
      ...(wasChanged && !(await isWriter(target, issue.author)) ? { isTextUnsure: true } : {}),
      sender: actor,
    });
  }

  async function isWriter(target: RepositoryTarget, login: string): Promise<boolean> {
    return mayWrite(await deps.github.readPermission(target, login));
  }

  async function acceptRemoval(
    target: RepositoryTarget,
    { number, updatedAt }: ListedIssue,
    { label, actor }: LabelEvent,
  ): Promise<number> {
    return count({
      kind: 'label_removed',
      key: `label_removed:${target.repository.id}#${number}:${updatedAt}:${label.toLowerCase()}`,
      target,
      issueNumber: number,
      label,
      sender: actor,
    });
  }

  async function acceptEnd(target: RepositoryTarget, issue: ListedIssue): Promise<number> {
    const { number, state, closedAt, updatedAt } = issue;
    const how = state === 'closed' ? 'closed' : 'locked';
    return count({
      kind: 'issue_ended',
      key: `issue_${how}:${target.repository.id}#${number}:${(how === 'closed' ? closedAt : null) ?? updatedAt}`,
      target,
      issueNumber: number,
      how,
      sender: SOMEBODY,
    });
  }

  /** 1 if something came of it. */
  async function count(trigger: Parameters<SweepDeps['acceptTrigger']>[0]): Promise<number> {
    return Number((await deps.acceptTrigger(trigger)).kind !== 'ignored');
  }
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** As GitHub writes times: whole seconds. */
function toTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
