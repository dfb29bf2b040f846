import type { RunnerId } from '../contract/identifiers.ts';
import type { JobKind } from '../contract/job.ts';
import { isSince, REVISIONS_SINCE, toProtocolHeader } from '../contract/protocol-version.ts';
import type { RunnerView } from './job.ts';

/** Runners that a job does not go to, or not yet, because of what was between them. */
export type PassedOver = {
  /** They have just declined or missed it. */
  avoid: ReadonlySet<RunnerId>;
  /** An attempt of it has just failed there: they get it only if no other sound runner could, now or once it has room. */
  lastChoice?: ReadonlySet<RunnerId>;
};

/** What a job asks for, and who could do it. */
export type RunnerQuestion = PassedOver & {
  specialty: string;
  /** What the job is for; absent = to solve an issue. */
  kind?: JobKind;
  needs: readonly string[];
  /** The agent that the settings name; `null`: any will do, but one there must be. */
  agent: string | null;
  /** Those that will do as well if need be, in this order. */
  otherAgents?: readonly string[] | undefined;
  /** Every registered runner, revoked ones left out or marked. */
  runners: readonly RunnerView[];
  nowMs: number;
  /** Who has done the work that this job goes on with. */
  preferred?: RunnerId | null;
  /** Runners that keep a mirror of the repository. */
  warm?: ReadonlySet<RunnerId>;
};

/** Which requirement nobody meets. Stays the same while only counts and times change. */
export type NoRunnerCode =
  | 'no_specialty'
  | 'too_old'
  | 'lacks_capability'
  | 'not_online'
  | 'quarantined'
  | 'busy'
  | 'no_free_slot'
  | 'avoided'
  | 'failed_here';

export type RunnerChoice =
  | { kind: 'chosen'; runner: RunnerView; reason: string }
  /** `reason` is a sentence for the issue that says which requirement nobody meets. */
  | { kind: 'none'; code: NoRunnerCode; reason: string };

const ANY_AGENT = 'agent';

/** At most this many runners are named in a reason. */
const NAMED_AT_MOST = 8;

/**
 * Which runner suits a job: the right specialty, new enough for it, all needs, online, with room. Among these one on which the job has not failed, then the one
 * that has done what the job goes on with, then one with the agent that is named first, then one that we speak to (by way of GitHub everything
 * takes minutes), then the least loaded one (active ÷ capacity), then one with a warm mirror, then the one that has been idle the longest; the id settles ties, so that the answer is the same
 * whoever asks. If there is none, the first requirement that nobody meets, in that order.
 */
export function chooseRunner(question: RunnerQuestion): RunnerChoice {
  const registered = question.runners.filter((runner) => runner.state !== 'revoked');
  const specialists = registered.filter((runner) => runner.specialties.includes(question.specialty));
  if (specialists.length === 0) return noSpecialty(question.specialty, registered);

  const recent = question.kind === 'revise' ? specialists.filter(knowsRevisions) : specialists;
  if (recent.length === 0) return tooOld(question.specialty, specialists);

  const able = recent.filter(
    (runner) => runner.isAwaited === true || missingNeeds(runner, question).length === 0,
  );
  if (able.length === 0) return lacksCapability(question, recent);

  const online = able.filter((runner) => runner.state === 'online');
  if (online.length === 0) return notOnline(question.specialty, able);

  const sound = online.filter((runner) => (runner.quarantinedUntilMs ?? 0) <= question.nowMs);
  if (sound.length === 0) return quarantined(question.specialty, online);

  const notFull = sound.filter((runner) => runner.active < runner.capacity);
  if (notFull.length === 0) return busy(question.specialty, sound);

  const withRoom = notFull.filter((runner) => runner.accepting);
  if (withRoom.length === 0) return noFreeSlot(question.specialty, notFull);

  const welcome = withRoom.filter((runner) => !question.avoid.has(runner.id));
  const [best] = welcome.sort((a, b) => compareSuitability(a, b, question));
  if (!best) return avoided(withRoom);
  // Its budget of retries would be used up on the one machine that can't do it.
  if (hasFailedOn(best, question) && sound.some((runner) => !hasFailedOn(runner, question)))
    return failedHere(question, welcome, sound);
  return { kind: 'chosen', runner: best, reason: whyChosen(best, welcome.length, question) };
}

function compareSuitability(a: RunnerView, b: RunnerView, question: RunnerQuestion): number {
  const { warm = new Set(), preferred = null } = question;
  return (
    Number(hasFailedOn(a, question)) - Number(hasFailedOn(b, question)) ||
    Number(b.id === preferred) - Number(a.id === preferred) ||
    findAgent(a, question) - findAgent(b, question) ||
    Number(a.transport === 'github') - Number(b.transport === 'github') ||
    a.active / a.capacity - b.active / b.capacity ||
    Number(warm.has(b.id)) - Number(warm.has(a.id)) ||
    a.lastAssignedAtMs - b.lastAssignedAtMs ||
    (a.id < b.id ? -1 : 1)
  );
}

function hasFailedOn(runner: RunnerView, question: RunnerQuestion): boolean {
  return question.lastChoice?.has(runner.id) === true;
}

function whyChosen(runner: RunnerView, candidates: number, question: RunnerQuestion): string {
  const load = `${runner.active} of ${runner.capacity} ${runner.capacity === 1 ? 'slot' : 'slots'} taken`;
  if (question.preferred === runner.id) {
    return `${runner.name} has done the work that is to be reworked, and has room (${load}).`;
  }
  const mirror = question.warm?.has(runner.id) === true ? ', has the repository already' : '';
  const field = candidates === 1 ? 'the only one with room' : `the best of ${candidates} with room`;
  return `${runner.name} is ${field} for \`${question.specialty}\` (${load}${mirror}).`;
}

function noSpecialty(specialty: string, registered: readonly RunnerView[]): RunnerChoice {
  const others =
    registered.length === 0
      ? 'No runner is registered yet: enrol one with `yardmaster runner enroll`.'
      : `Registered: ${listed(registered, (runner) => `${runner.name} (${runner.specialties.join(', ')})`)}.`;
  return {
    kind: 'none',
    code: 'no_specialty',
    reason: `No runner has the specialty \`${specialty}\`. ${others}`,
  };
}

/** One that only reaches GitHub does not tell, and one that was never there will. */
function knowsRevisions({ protocol, transport, isAwaited }: RunnerView): boolean {
  return transport === 'github' || isAwaited === true || isSince(protocol, REVISIONS_SINCE);
}

function tooOld(specialty: string, specialists: readonly RunnerView[]): RunnerChoice {
  const least = toProtocolHeader(REVISIONS_SINCE);
  const old = listed(specialists, ({ name, version, protocol }) =>
    protocol == null
      ? `${name} has not told yet which version it is`
      : `upgrade ${name} (version ${version}, runner API ${protocol}; this takes ${least})`,
  );
  return {
    kind: 'none',
    code: 'too_old',
    reason: `No \`${specialty}\` runner here is new enough to rework pull requests: ${old}.`,
  };
}

function lacksCapability(question: RunnerQuestion, specialists: readonly RunnerView[]): RunnerChoice {
  const lacking = listed(
    specialists,
    (runner) =>
      `${runner.name} has the specialty but lacks ${missingNeeds(runner, question)
        .map((all) => all.map(toNeedText).join(' or '))
        .join(', ')}`,
  );
  return {
    kind: 'none',
    code: 'lacks_capability',
    reason: `No \`${question.specialty}\` runner has all that the job needs: ${lacking}.`,
  };
}

function toNeedText(need: string): string {
  return need === ANY_AGENT ? 'an agent that can run there' : `\`${need}\``;
}

function notOnline(specialty: string, able: readonly RunnerView[]): RunnerChoice {
  const states = listed(able, (runner) => {
    if (runner.state === 'draining') return `${runner.name} is draining and takes no new work`;
    if (runner.isAwaited === true)
      return `${runner.name} is enrolled and has not connected yet: start it with \`yardmaster runner run\``;
    return `${runner.name} is offline since ${toMinute(runner.lastSeenAtMs)}`;
  });
  return { kind: 'none', code: 'not_online', reason: `No \`${specialty}\` runner is online: ${states}.` };
}

/** They would fail this job as they failed the last ones. */
function quarantined(specialty: string, online: readonly RunnerView[]): RunnerChoice {
  const states = listed(
    online,
    (runner) =>
      `${runner.name} is passed over until ${toMinute(runner.quarantinedUntilMs ?? 0)} (${runner.quarantineReason ?? 'it failed'})`,
  );
  return {
    kind: 'none',
    code: 'quarantined',
    reason: `No \`${specialty}\` runner is fit for work: ${states}.`,
  };
}

function busy(specialty: string, online: readonly RunnerView[]): RunnerChoice {
  const taken = online.reduce((sum, runner) => sum + runner.active, 0);
  const slots = online.reduce((sum, runner) => sum + runner.capacity, 0);
  const who =
    online.length === 1
      ? `The only \`${specialty}\` runner that is online is busy`
      : `All ${online.length} \`${specialty}\` runners that are online are busy`;
  return {
    kind: 'none',
    code: 'busy',
    reason: `${who} (${taken} of ${slots} ${slots === 1 ? 'slot' : 'slots'}).`,
  };
}

/** They know better than we do: their disk is full, or something of theirs has not ended yet. */
function noFreeSlot(specialty: string, notFull: readonly RunnerView[]): RunnerChoice {
  return {
    kind: 'none',
    code: 'no_free_slot',
    reason: `No \`${specialty}\` runner takes work at the moment: ${listed(
      notFull,
      (runner) => `${runner.name} reports no free slot, a pause, or too little free disk space`,
    )}.`,
  };
}

function avoided(withRoom: readonly RunnerView[]): RunnerChoice {
  return {
    kind: 'none',
    code: 'avoided',
    reason: `${listed(withRoom, (runner) => runner.name)} did not take the job a moment ago; it is offered again shortly.`,
  };
}

function failedHere(
  question: RunnerQuestion,
  welcome: readonly RunnerView[],
  sound: readonly RunnerView[],
): RunnerChoice {
  const others = sound.filter((runner) => !hasFailedOn(runner, question));
  return {
    kind: 'none',
    code: 'failed_here',
    reason: `It has just failed on ${listed(welcome, (runner) => runner.name)}, so it waits a few minutes for ${listed(others, (runner) => runner.name)} to have room.`,
  };
}

/**
 * Each with the others that would do in its place. A need `node` is met by `node` and by any `node:22`; a need `node:22` only by itself.
 * Runners tell of each agent whose command line works on their machine, as `agent:<name>`.
 */
function missingNeeds(runner: RunnerView, question: RunnerQuestion): string[][] {
  const needs = question.needs.map((need) => [need]);
  return [...needs, toAgentNeeds(question)].filter((all) => !all.some((need) => meets(runner, need)));
}

function toAgentNeeds({ agent, otherAgents = [] }: RunnerQuestion): string[] {
  return agent === null ? [ANY_AGENT] : [agent, ...otherAgents].map((name) => `${ANY_AGENT}:${name}`);
}

/** The place of the first of the named agents that a runner has; the smaller, the better. */
function findAgent(runner: RunnerView, question: RunnerQuestion): number {
  return toAgentNeeds(question).findIndex((need) => meets(runner, need));
}

function meets(runner: RunnerView, need: string): boolean {
  return runner.capabilities.some((has) => has === need || has.startsWith(`${need}:`));
}

function listed(runners: readonly RunnerView[], describe: (runner: RunnerView) => string): string {
  const named = runners.slice(0, NAMED_AT_MOST).map(describe).join('; ');
  const more = runners.length - NAMED_AT_MOST;
  return more > 0 ? `${named}; and ${more} more` : named;
}

/** `2026-01-31 12:05 UTC`: to the minute, so that the sentence does not change with every look. */
function toMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
