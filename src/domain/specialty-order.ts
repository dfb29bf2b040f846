import { isTerminal } from './job-lifecycle.ts';
import type { Job } from './job.ts';

/** Why a job on hold waits: work of another specialty on its issue comes first. */
export const WAITS_ITS_TURN = 'its_turn';

/** Specialty → those whose work on the same issue comes first. */
export type SpecialtyOrder = ReadonlyMap<string, readonly string[]>;

/** Work on the same issue that has to be merged first, and is not. */
export type Predecessor = {
  specialty: string;
  /** `ended`: it will not be merged unless somebody does something about it. */
  standing: 'to_come' | 'open' | 'ended';
  /** Number of its pull request. */
  pullRequest: number | null;
};

/** The first circle of specialties that wait for one another, each before the one that it waits for; `null`: there is none. */
export function findCircle(order: SpecialtyOrder): string[] | null {
  const done = new Set<string>();
  for (const start of order.keys()) {
    const path: string[] = [];
    const circle = walk(start, path, done, order);
    if (circle !== null) return circle;
  }
  return null;
}

function walk(at: string, path: string[], done: Set<string>, order: SpecialtyOrder): string[] | null {
  if (path.includes(at)) return path.slice(path.indexOf(at));
  if (done.has(at)) return null;
  path.push(at);
  for (const before of order.get(at) ?? []) {
    const circle = walk(before, path, done, order);
    if (circle !== null) return circle;
  }
  path.pop();
  done.add(at);
  return null;
}

/**
 * Which of `after` a job waits for. Only what was asked for on its issue counts: by a job, or by a label that is still to be dealt with. Work
 * that was merged is done, and work that a person took back (cancelled, refused, closed) counts only while its label is on the issue.
 */
export function findPredecessors(facts: {
  after: readonly string[];
  /** Of the issue, the newest first. */
  jobs: readonly Job[];
  /** Specialties that the labels of the issue stand for. */
  labelled: readonly string[];
}): Predecessor[] {
  return facts.after.flatMap((specialty): Predecessor[] => {
    // A round on its pull request that came to nothing leaves the work as it was.
    const job = facts.jobs.find(
      (one) => one.specialty === specialty && (one.kind === 'resolve' || one.pullRequest !== null),
    );
    const isLabelled = facts.labelled.includes(specialty);
    if (job === undefined) return isLabelled ? [{ specialty, standing: 'to_come', pullRequest: null }] : [];
    const standing = toStanding(job, isLabelled);
    return standing === null ? [] : [{ specialty, standing, pullRequest: job.pullRequest?.number ?? null }];
  });
}

/** `null`: nobody has to wait for it. */
function toStanding(job: Job, isLabelled: boolean): Predecessor['standing'] | null {
  const { state, stateReason, pullRequest } = job;
  if (!isTerminal(state)) return 'to_come';
  if (state !== 'succeeded') {
    const wasTakenBack = state === 'cancelled' || state === 'refused';
    return wasTakenBack && !isLabelled ? null : 'ended';
  }
  // A reason is there when GitHub refused the pull request for good.
  if (pullRequest === null) return stateReason === null ? 'to_come' : 'ended';
  if (pullRequest.ended === undefined) return 'open';
  if (pullRequest.ended.how === 'merged') return null;
  return isLabelled ? 'ended' : null;
}

/** Why a job of `specialty` does not begin; plain text. */
export function explainPredecessors(specialty: string, predecessors: readonly Predecessor[]): string {
  const ended = predecessors.filter(({ standing }) => standing === 'ended');
  const others = predecessors.filter(({ standing }) => standing !== 'ended');
  const waits = others.map(({ specialty: one, standing, pullRequest }) =>
    standing === 'open' ? `pull request #${pullRequest} of ${one}` : `the ${one} work on this issue`,
  );
  const names = predecessors.map((one) => one.specialty).join(' and ');
  return [
    `By the settings, ${specialty} comes after ${names}.`,
    ...ended.map(
      ({ specialty: one }) =>
        `The ${one} work ended and was not merged: \`/agent retry ${one}\` has it done once more.`,
    ),
    ...(waits.length === 0
      ? []
      : [`It goes on by itself once ${waits.join(' and ')} ${waits.length === 1 ? 'is' : 'are'} merged.`]),
    `\`/agent unhold ${specialty}\` starts it now.`,
  ].join(' ');
}
