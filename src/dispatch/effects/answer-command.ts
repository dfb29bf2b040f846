import type { JobId } from '../../contract/identifiers.ts';
import { answerMarker } from '../../domain/answer-marker.ts';
import { type AnswerFacts, toRefusalAnswer, toTopicsAnswer } from '../../domain/command-answer-text.ts';
import { findNoRest, type NoRest } from '../../domain/day-rest.ts';
import type { RepoSettings } from '../../domain/repo-settings.ts';
import { type MonthlySpending, toMonthStartMs } from '../../domain/spending.ts';
import type { CommentRef, RepositoryTarget } from '../../domain/trigger.ts';
import type { WhyFacts } from '../../domain/why-text.ts';
import type { StoredCommand } from '../../store/commands.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { judgeLimits, measureDay } from '../judge-limits.ts';
import { toPassedOver } from '../passed-over.ts';
import { settingsReader } from '../read-settings.ts';
import { readStanding } from '../read-standing.ts';
import type { EffectContext, EffectDeps } from './effect-deps.ts';
import { readStatusUrl, toReport } from './status-comment.ts';
import { JOBS_READ } from '../jobs-read.ts';

/** Attempts that an estimate is made from. */
const DURATIONS_READ = 20;

/** Shows what came of a comment with commands: a reaction, where GitHub has them, and the answer, once, where the comment stands. */
export async function answerCommand(
  {
    repositoryId,
    commentId,
    place = 'conversation',
  }: { repositoryId: number; commentId: number; place?: CommentRef['place'] },
  context: EffectContext,
  deps: EffectDeps,
): Promise<void> {
  const { store, github } = deps;
  const ref = { commentId, place };
  const command = await store.commands.get(repositoryId, ref);
  if (!command) return;
  const target: RepositoryTarget = { installationId: command.installationId, repository: command.repository };
  await github.reactToComment(target, ref, REACTIONS[command.verdict ?? 'seen']);
  if (command.verdict === null) return;

  const key = `command-answer:${repositoryId}:${place === 'conversation' ? '' : `${place}:`}${commentId}`;
  if (await store.memory.getGitHubObject(key)) return;
  const marker = answerMarker({ repositoryId, ...ref });
  const body = await toAnswer(command, target, marker, deps);
  if (body === null) return;
  const objectId = await publishAnswer(command, target, { marker, body }, context, deps);
  await store.memory.putGitHubObject(key, { objectId, bodyHash: null }, await store.nowMs());
}

const REACTIONS = { seen: 'eyes', accepted: 'rocket', refused: 'confused' } as const;

/** `null` when nobody can be answered any more, or in a thread, whose answers are found by their marker alone. */
async function publishAnswer(
  { issueNumber, place }: StoredCommand,
  target: RepositoryTarget,
  { marker, body }: { marker: string; body: string },
  { isRepeat }: EffectContext,
  { github }: EffectDeps,
): Promise<number | null> {
  if (place.kind === 'thread') {
    const { threadId } = place;
    const text = body.slice(marker.length).trimStart();
    await github.answerThread(target, issueNumber, { threadId, marker, body: text, mayExist: isRepeat });
    return null;
  }
  const wanted = { commentId: null, mayRecreate: true, marker, body };
  return (await github.publishStatusComment(target, issueNumber, wanted))?.id ?? null;
}

async function toAnswer(
  command: StoredCommand,
  target: RepositoryTarget,
  marker: string,
  deps: EffectDeps,
): Promise<string | null> {
  const { reason, topics } = command;
  if (reason !== null) return toRefusalAnswer({ marker, reason });
  if (topics.length === 0) return null;
  return toTopicsAnswer({ marker, topics, facts: await readFacts(command, target, deps) });
}

async function readFacts(
  command: StoredCommand,
  target: RepositoryTarget,
  deps: EffectDeps,
): Promise<AnswerFacts> {
  const { store } = deps;
  const issue = { repositoryId: command.repository.id, issueNumber: command.subjectNumber };
  const jobs = await store.jobs.ofIssue(issue.repositoryId, issue.issueNumber, JOBS_READ);
  const nowMs = await store.nowMs();
  return {
    jobs: await Promise.all(jobs.map((job) => toReport(job, deps))),
    statusUrl: await readStatusUrl(store, command.repository, issue.issueNumber),
    runners: await store.runners.views(nowMs, deps.timings.runnerGoneSeconds * 1000),
    nowMs,
    month: command.topics.includes('status') ? await readMonth(command, nowMs, deps) : null,
    why: command.topics.includes('why') ? await readWhy(command, target, jobs, nowMs, deps) : null,
  };
}

function readMonth(
  { repository: { owner, name } }: StoredCommand,
  nowMs: number,
  { store }: EffectDeps,
): Promise<MonthlySpending[]> {
  return store.spending.between(
    { fromMs: toMonthStartMs(nowMs), toMs: nowMs + 1, nowMs },
    `${owner}/${name}`,
  );
}

async function readWhy(
  command: StoredCommand,
  target: RepositoryTarget,
  jobs: readonly StoredJob[],
  nowMs: number,
  deps: EffectDeps,
): Promise<WhyFacts> {
  const { store, github } = deps;
  const settings = settingsReader(target, deps);
  const sender = { login: command.sender, isBot: false };
  const [standing, issue, inForce] = await Promise.all([
    readStanding(target, sender, async () => (await settings()).settings.triggers, deps),
    github.readIssue(target, command.subjectNumber),
    settings(),
  ]);
  const durations = await Promise.all(
    [...new Set(jobs.map((job) => job.specialty))].map(
      async (specialty) =>
        [specialty, await store.attempts.recentDurations(specialty, DURATIONS_READ)] as const,
    ),
  );
  return {
    asker: { login: command.sender, ...standing },
    issue,
    settings: inForce.settings,
    settingsProblem: inForce.problem,
    settingsNotice: inForce.notice?.text ?? null,
    durationsMs: new Map(durations),
    limits: await store.transact((tx) =>
      judgeLimits(tx, { target, sender: { login: command.sender, id: 0, isBot: false } }, inForce.settings),
    ),
    noRest: await readNoRest(jobs, inForce.settings.limits, deps),
    atWork: await store.jobs.atWork(command.repository.id),
    passedOver: new Map(jobs.map((job) => [job.id, toPassedOver(job, nowMs)])),
  };
}

/** Of jobs that wait, those that would wait for the limits of the day if it was their turn now. */
async function readNoRest(
  jobs: readonly StoredJob[],
  limits: RepoSettings['limits'],
  { store }: Pick<EffectDeps, 'store'>,
): Promise<Map<JobId, NoRest>> {
  const found = new Map<JobId, NoRest>();
  const day = { spending: store.spending, nowMs: await store.nowMs() };
  for (const job of jobs.filter(({ state }) => state === 'queued')) {
    const noRest = findNoRest(await measureDay(day, job, limits), job.settings);
    if (noRest !== null) found.set(job.id, noRest);
  }
  return found;
}
