import type { IssueReading } from '../domain/decide.ts';
import {
  explainIssue,
  explainUnknownRepository,
  type Explanation,
  type IssueFacts,
  type LabelFacts,
} from '../domain/explanation.ts';
import { findNoRest } from '../domain/day-rest.ts';
import { toLabelled } from '../domain/labels.ts';
import { explainStrangers, findLinked, findOwn } from '../domain/open-pull-requests.ts';
import { findPredecessors } from '../domain/specialty-order.ts';
import type { Timings } from '../domain/timings.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { GitHubError } from '../github/github-error.ts';
import type { Store } from '../store/store.ts';
import { type Answer, accepted, refused } from './answer.ts';
import { judgeLimits, measureDay } from './judge-limits.ts';
import { readOpenPullRequests } from './read-open-pull-requests.ts';
import { readSettingsWithAliases } from './read-situation.ts';
import { JOBS_READ } from './jobs-read.ts';
import { readStanding } from './read-standing.ts';
import type { TriggerDeps } from './trigger-deps.ts';

/** What is asked about. `label`: `null` = those of the issue; `login`: who would add it, `null` = somebody who may. */
export type ExplainQuestion = {
  /** `owner/name`. */
  repository: string;
  issueNumber: number;
  label: string | null;
  login: string | null;
};

export type ExplainIssue = (question: ExplainQuestion) => Promise<Answer<Explanation>>;

type Deps = Pick<TriggerDeps, 'store' | 'github' | 'decide'> & {
  timings: Pick<Timings, 'runnerGoneSeconds'>;
};

/** Who adds the label when nobody was named. */
const SOMEBODY = { login: 'somebody', id: 0, isBot: false };

/**
 * What would happen to an issue and why, by the very decisions that its label would meet. Nothing is written, neither to the store nor to
 * GitHub. Refused when GitHub can't be asked.
 */
export function createExplainIssue(deps: Deps): ExplainIssue {
  const { store } = deps;

  return async (question) => {
    const { repository, issueNumber } = question;
    const targets = await store.sweeps.repositories();
    const target = targets.find((known) => toFullName(known).toLowerCase() === repository.toLowerCase());
    if (target === undefined) {
      return accepted(explainUnknownRepository(repository, issueNumber, targets.map(toFullName)));
    }
    try {
      return accepted(await explain(target, question, deps));
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      return refused('unavailable', `GitHub can’t be asked about ${repository}: ${error.message}`);
    }
  };
}

async function explain(
  target: RepositoryTarget,
  { issueNumber, label, login }: ExplainQuestion,
  deps: Deps,
): Promise<Explanation> {
  const { github } = deps;
  const [inForce, issue, identity] = await Promise.all([
    readSettingsWithAliases(target, { github, store: withoutKeeping(deps.store) }),
    github.readIssue(target, issueNumber),
    github.identity(),
  ]);
  const { settings } = inForce;
  const asker = login === null ? null : { login, isBot: false };
  const standing = asker && (await readStanding(target, asker, async () => settings.triggers, deps));
  const facts: IssueFacts = {
    repository: toFullName(target),
    number: issueNumber,
    issue,
    asker: asker && standing && { login: asker.login, ...standing },
    settings,
    places: inForce.places,
    settingsProblem: inForce.problem,
    settingsNotice: inForce.notice?.text ?? null,
  };
  const ofIssue = issue.found
    ? issue.issue.labels.filter((name) => settings.labels.has(name.toLowerCase()))
    : [];
  const labels = label === null ? ofIssue : [label];
  return explainIssue(
    facts,
    await Promise.all(
      labels.map((name) => readLabelFacts(target, { name, facts, botLogin: identity.bot.login }, deps)),
    ),
  );
}

async function readLabelFacts(
  target: RepositoryTarget,
  wanted: { name: string; facts: IssueFacts; botLogin: string },
  { store, github, decide, timings }: Deps,
): Promise<LabelFacts> {
  const { name, facts, botLogin } = wanted;
  const { settings, asker, number } = facts;
  const sender = asker === null ? SOMEBODY : { ...SOMEBODY, login: asker.login };
  const liveJobs = await store.jobs.liveOfIssue(target.repository.id, number);
  const specialty = settings.labels.get(name.toLowerCase());
  const openPullRequests = await readOpenPullRequests(target, number, true, { store, github });
  const decision = decide({
    trigger: {
      kind: 'label_added',
      key: 'explained, and never stored',
      target,
      issueNumber: number,
      label: name,
      at: new Date(await store.nowMs()).toISOString(),
      issue: { title: '', body: '' },
      sender,
    },
    issue: withLabel(facts.issue, name),
    permission: asker?.permission ?? 'write',
    denial: asker?.denial ?? null,
    botLogin,
    settings,
    settingsProblem: facts.settingsProblem,
    settingsNotice: null,
    liveJobs,
    openPullRequests,
  });
  const nowMs = await store.nowMs();
  const known = specialty === undefined ? undefined : settings.specialties.get(specialty);
  const after = known?.settings.after ?? [];
  const asked = { repository: target.repository, requestedBy: sender.login };
  return {
    label: name,
    decision,
    limits: await store.transact((tx) => judgeLimits(tx, { target, sender }, settings)),
    noRest:
      known === undefined
        ? null
        : findNoRest(
            await measureDay({ spending: store.spending, nowMs }, asked, settings.limits),
            known.settings,
          ),
    liveJob: liveJobs.find((job) => job.specialty === specialty) ?? null,
    openPullRequest: findOwn(openPullRequests, specialty) ?? findLinked(openPullRequests),
    beside: explainStrangers(openPullRequests),
    predecessors: findPredecessors({
      after,
      jobs: await store.jobs.ofIssue(target.repository.id, number, JOBS_READ),
      labelled: facts.issue.found ? toLabelled(facts.issue.issue.labels, settings.labels) : [],
    }),
    atWork: await store.jobs.atWork(target.repository.id),
    runners: await store.runners.views(nowMs, timings.runnerGoneSeconds * 1000),
    nowMs,
  };
}

/** As if the label had just been added. */
function withLabel(reading: IssueReading, label: string): IssueReading {
  if (!reading.found) return reading;
  return { ...reading, issue: { ...reading.issue, labels: [...reading.issue.labels, label] } };
}

/** Settings without mistakes are not kept as the last good ones: nobody asked for work. */
function withoutKeeping(store: Store): Pick<Store, 'memory' | 'sweeps' | 'jobs' | 'nowMs'> {
  return {
    memory: { ...store.memory, keepSettings: async () => undefined },
    sweeps: store.sweeps,
    jobs: store.jobs,
    nowMs: () => store.nowMs(),
  };
}

function toFullName({ repository }: RepositoryTarget): string {
  return `${repository.owner}/${repository.name}`;
}
