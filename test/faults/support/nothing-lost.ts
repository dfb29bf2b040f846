import type { JobState } from '../../../src/contract/job.ts';
import { isTerminal } from '../../../src/domain/job-lifecycle.ts';
import { processesWith } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { PATIENCE_MS } from './fault-timings.ts';
import { type FaultYard, type JobRow, REPOSITORY } from './fault-yard.ts';

/** A look goes through the database and all processes of the machine. */
const LOOK_EVERY_MS = 100;

/** Issue → the states in which its jobs may have ended, oldest job first. */
export type Expected = Readonly<Record<number, readonly (JobState | readonly JobState[])[]>>;

/** After the fault: waits until everything has come to rest, and throws with all that `findLosses` found. */
export async function assertNothingLost(yard: FaultYard, expected: Expected): Promise<void> {
  await untilAtRest(yard, expected);
  const losses = [...(await findWrongEnds(yard, expected)), ...(await findLosses(yard))];
  if (losses.length > 0) throw new Error(`Not as it should be:\n${losses.join('\n')}\n${yard.logs()}`);
}

/**
 * For when GitHub can't be asked any more how it is there: waits until each acknowledged delivery was dealt with and no process is left,
 * and throws with what stays.
 */
export async function assertNothingLeft(yard: FaultYard): Promise<void> {
  let left: string[] = [];
  await until(
    'nothing is left',
    async () => {
      left = [...(await findLostDeliveries(yard)), ...tellOfStrays(yard)];
      return left.length === 0;
    },
    PATIENCE_MS,
    LOOK_EVERY_MS,
  ).catch((error: Error) => {
    throw new Error(`${error.message}:\n${left.join('\n')}\n${yard.logs()}`);
  });
}

/** Nothing is under way or waits to be: in the store, on the way to GitHub, on the runners. */
export async function untilAtRest(
  yard: FaultYard,
  expected: Expected,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  await until('everything has come to rest', () => isAtRest(yard, expected), patienceMs, LOOK_EVERY_MS).catch(
    async (error: Error) => {
      const jobs = (await yard.jobs()).filter(({ state }) => !isTerminal(state as JobState));
      const seen = { jobs, tasks: await openTasks(yard), strays: strayProcesses(yard) };
      throw new Error(`${error.message}; there is still ${JSON.stringify(seen, null, 1)}\n${yard.logs()}`);
    },
  );
}

async function isAtRest(yard: FaultYard, expected: Expected): Promise<boolean> {
  const jobs = await yard.jobs();
  const isAsked = Object.entries(expected).every(
    ([issue, states]) => jobs.filter((job) => job.issue === Number(issue)).length >= states.length,
  );
  return (
    isAsked &&
    jobs.every(({ state }) => isTerminal(state as JobState)) &&
    (await openTasks(yard)).length === 0 &&
    strayProcesses(yard).length === 0
  );
}

/** What waits to be carried out, or is. */
export function openTasks(yard: FaultYard): Promise<Record<string, unknown>[]> {
  return yard.database.query(
    `select queue, kind, dedupe_key, state, last_error from tasks where state in ('ready', 'running')`,
  );
}

/** Jobs that are missing, that nobody asked for, or that ended otherwise than they should have. */
async function findWrongEnds(yard: FaultYard, expected: Expected): Promise<string[]> {
  const jobs = await yard.jobs();
  const wrong = Object.entries(expected).flatMap(([issue, states]) => {
    const own = jobs.filter((job) => job.issue === Number(issue));
    const fits =
      own.length === states.length &&
      states.every((wanted, at) => [wanted].flat().includes(own[at]?.state as JobState));
    return fits
      ? []
      : [`#${issue} should have ended in ${JSON.stringify(states)}, and has ${JSON.stringify(own)}`];
  });
  const strangers = jobs.filter(({ issue }) => expected[issue] === undefined);
  return [...wrong, ...strangers.map((job) => `nobody asked for ${JSON.stringify(job)}`)];
}

/**
 * At rest, holds store and GitHub against each other. Tells of each acknowledged delivery that was lost, each pull request or comment
 * that exists twice, each thing that was published by another than the last attempt, each check run without its last word, and of
 * processes that are left beside coordinators and runners.
 */
export async function findLosses(yard: FaultYard): Promise<string[]> {
  const jobs = await yard.jobs();
  const published: string[] = [];
  // One after the other: each look is a connection to the database, and git.
  for (const job of jobs) published.push(...(await findWrongPublications(yard, job, jobs)));
  return [
    ...(await findLostDeliveries(yard)),
    ...findSecondLiveJobs(jobs),
    ...published,
    ...findBadCheckRuns(yard),
    ...[...new Set(jobs.map(({ issue }) => issue))].flatMap((issue) => findSecondComments(yard, issue)),
    ...tellOfStrays(yard),
  ];
}

/** By the GUIDs that GitHub got a 202 for: those that we act on. */
async function findLostDeliveries(yard: FaultYard): Promise<string[]> {
  const rows = await yard.database.query(`select dedupe_key, state from tasks where queue = 'inbox'`);
  const states = new Map(
    (rows as { dedupe_key: string; state: string }[]).map((row) => [row.dedupe_key, row.state]),
  );
  return yard.github.webhooks
    .deliveries()
    .filter(({ statusCode, guid }) => statusCode === 202 && states.get(guid) !== 'done')
    .map(({ guid, event, action }) => {
      const state = states.get(guid) ?? 'not in the store';
      return `the delivery ${event}.${action} ${guid} was acknowledged, and is ${state}`;
    });
}

function findSecondLiveJobs(jobs: readonly JobRow[]): string[] {
  const succeeded = jobs.filter(({ state }) => state === 'succeeded').map(({ issue }) => issue);
  return succeeded
    .filter((issue, at) => succeeded.indexOf(issue) !== at)
    .map((issue) => `#${issue} was done more than once`);
}

/** A success has one pull request, whose head is the commit of its last attempt; nothing else has any. */
async function findWrongPublications(
  yard: FaultYard,
  job: JobRow,
  all: readonly JobRow[],
): Promise<string[]> {
  const { state } = yard.github;
  const pulls = state.pullRequests(REPOSITORY).filter(({ head }) => head.ref === job.branch);
  if (job.state !== 'succeeded') {
    // A later job of the issue may have taken the branch, after this one's was removed.
    const isShared = all.some(({ id, branch }) => id !== job.id && branch === job.branch);
    return pulls.length === 0 || isShared ? [] : [`#${job.issue} is ${job.state}, and has a pull request`];
  }
  const [row] = await yard.database.query(
    `select result, outcome from attempts where job_id = '${job.id}' order by number desc limit 1`,
  );
  const last = row as { result: string | null; outcome: string | null } | undefined;
  const { headCommit } = JSON.parse(last?.result ?? '{}') as { headCommit?: string };
  const branches = await state.branches(REPOSITORY);
  const [, parent] = await state.commits(REPOSITORY, headCommit ?? job.branch);
  const opened = yard.created.filter(
    ({ path, requestBody }) =>
      path === `/repos/${REPOSITORY}/pulls` && (requestBody as { head?: string }).head === job.branch,
  );
  const problems = [
    pulls.length !== 1 && `has ${pulls.length} pull requests`,
    opened.length !== 1 && `had ${opened.length} pull requests opened`,
    last?.outcome !== 'pull_request' && `ended with an attempt that ${last?.outcome}`,
    branches[job.branch] !== headCommit &&
      `has ${branches[job.branch]} on ${job.branch}, not its ${headCommit}`,
    pulls[0]?.head.sha !== headCommit && `has a pull request of ${pulls[0]?.head.sha}, not its ${headCommit}`,
    parent?.sha !== branches['main'] && `was published on ${parent?.sha}, not on main`,
  ];
  return problems.filter((problem) => problem !== false).map((problem) => `#${job.issue} ${problem}`);
}

/** Those that have no result yet, and those that exist twice. */
export function findBadCheckRuns(yard: FaultYard): string[] {
  const runs = yard.github.state.checkRuns(REPOSITORY);
  const keys = runs.map(({ name, external_id, head_sha }) => `${name} ${external_id} ${head_sha}`);
  const open = runs.filter(({ status }) => status !== 'completed');
  return [
    ...open.map(({ name, external_id, status }) => `the check run ${name} ${external_id} is left ${status}`),
    ...keys.filter((key, at) => keys.indexOf(key) !== at).map((key) => `the check run ${key} exists twice`),
  ];
}

function findSecondComments(yard: FaultYard, issue: number): string[] {
  const { app, state } = yard.github;
  const comments = state.comments(REPOSITORY, issue).filter(({ user }) => user?.login === app.botLogin);
  return comments.length > 1 ? [`#${issue} has ${comments.length} status comments`] : [];
}

function tellOfStrays(yard: FaultYard): string[] {
  const strays = strayProcesses(yard);
  return strays.length > 0 ? [`processes have outlived their attempts: ${strays.join(', ')}`] : [];
}

/** Processes of the yard beside coordinators and runners. */
export function strayProcesses(yard: FaultYard): number[] {
  const known = new Set(yard.programs().map((program) => program.pid()));
  return processesWith(yard.folder).filter((pid) => !known.has(pid));
}
