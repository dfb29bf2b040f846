import process from 'node:process';
import { parseArgs } from 'node:util';
import { isTerminal } from '../../../src/domain/job-lifecycle.ts';
import { JOB_STATES, type JobState } from '../../../src/contract/job.ts';
import { ENGINES, type EngineName } from '../support/database.ts';
import { SWEEP_TIMINGS } from '../support/fault-timings.ts';
import { type FaultYard, startFaultYard } from '../support/fault-yard.ts';
import { type Expected, findLosses, untilAtRest } from '../support/nothing-lost.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import type { Transport } from '../support/prepare-runner.ts';
import { pass } from '../support/pass.ts';
import { listTroubles } from './chaos.ts';
import { isCalledOff, judge, pickStory, type Story, tell } from './issues.ts';
import { createDice } from './random.ts';

const HELP = `npm run soak -- [options]: many runners, many issues, and everything that can go wrong, by chance.

  --minutes <number>   for how long issues come in and things go wrong (default 5)
  --engine <name>      sqlite, postgres or both (default both, one after the other)
  --issues <number>    default 500
  --runners <number>   default 50
  --github <number>    how many of them only reach GitHub (default: a tenth); as large a part of the issues is for these alone
  --seed <number>      of all chance; the one that is used is printed (default: a new one)
  --calm               without any trouble, to see what the machine can do
  --patience <minutes> for how long it may take afterwards until everything has ended (default 45)

Everything runs on loopback. At the end every issue is held against how it should have ended; exit code 1 when one differs.
`;

type Plan = {
  minutes: number;
  issues: number;
  runners: number;
  /** Of these, how many only reach GitHub. */
  byGitHub: number;
  seed: number;
  isCalm: boolean;
  patienceMs: number;
};

/** Runners of one process: they are killed together. */
const RUNNERS_A_HOST = 10;
const PROGRESS_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    engine: { type: 'string', default: 'both' },
    issues: { type: 'string', default: '500' },
    runners: { type: 'string', default: '50' },
    github: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    calm: { type: 'boolean', default: false },
    patience: { type: 'string', default: '45' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  say(HELP);
} else {
  const runners = toNumber('runners', values.runners);
  const plan: Plan = {
    minutes: toNumber('minutes', values.minutes),
    issues: toNumber('issues', values.issues),
    runners,
    byGitHub: Math.min(
      runners,
      values.github === '0' ? 0 : toNumber('github', values.github ?? String(Math.ceil(runners / 10))),
    ),
    seed: toNumber('seed', values.seed),
    isCalm: values.calm,
    patienceMs: toNumber('patience', values.patience) * 60_000,
  };
  const engines = ENGINES.filter((name) => values.engine === 'both' || values.engine === name);
  if (engines.length === 0)
    throw new Error(`--engine must be sqlite, postgres or both, not ${values.engine}`);
  let isRight = true;
  for (const engine of engines) isRight = (await soak(engine, plan)) && isRight;
  process.exitCode = isRight ? 0 : 1;
}

/** True when every issue has ended as it should have, and nothing was lost or doubled. */
async function soak(engine: EngineName, plan: Plan): Promise<boolean> {
  const { issues, runners, byGitHub, minutes, seed, isCalm } = plan;
  say(
    `\n${engine}: ${issues} issues, ${runners} runners (${byGitHub} only reach GitHub), ${minutes} minutes${isCalm ? ', calm' : ''}, seed ${seed}\n`,
  );
  const dice = createDice(seed);
  const postgres = engine === 'postgres' ? await startOwnPostgres() : null;
  await using yard = await startFaultYard({
    coordinators: engine === 'postgres' ? 2 : 1,
    runners: [],
    // What webhooks don't tell is found by the product itself.
    timings: SWEEP_TIMINGS,
    ...(postgres === null ? {} : { database: postgres }),
  });
  await addHosts(yard, 'host', runners - byGitHub, 'coordinator');
  await addHosts(yard, 'far', byGitHub, 'github');
  const startedMs = performance.now();
  const stories = new Map<number, Story>();
  const struck = new Map<string, number>();
  const over = new AbortController();
  const progress = setInterval(() => void tellProgress(yard, stories, struck, startedMs), PROGRESS_EVERY_MS);
  const chaos = isCalm ? Promise.resolve() : makeTrouble(over.signal);

  try {
    const endsMs = startedMs + minutes * 60_000;
    const calledOff: Promise<void>[] = [];
    for (let number = 0; number < issues; number += 1) {
      const story = pickStory(dice);
      const specialty = dice.fraction() < byGitHub / runners ? 'devops' : 'backend';
      const { issue, done } = await tell(yard, { story, specialty }, dice);
      stories.set(issue, story);
      calledOff.push(done);
      // Evenly over four fifths of the time.
      const dueMs = startedMs + ((number + 1) / issues) * 0.8 * (endsMs - startedMs);
      await pass(Math.max(0, dueMs - performance.now()));
    }
    await Promise.all(calledOff);
    await pass(Math.max(0, endsMs - performance.now()));
    over.abort();
    await chaos;
    const calmMs = performance.now();
    yard.github.webhooks.faults.clear();
    yard.github.faults.clear();
    await untilAtRest(yard, toWorkAskedFor(stories), plan.patienceMs);
    clearInterval(progress);
    return await reconcile(yard, { stories, struck, startedMs, calmMs });
  } finally {
    over.abort();
    clearInterval(progress);
    await Promise.allSettled([chaos]);
  }

  async function makeTrouble(signal: AbortSignal): Promise<void> {
    const troubles = listTroubles(yard, dice, postgres);
    await repeat(signal, async () => {
      const trouble = dice.oneOf(troubles);
      struck.set(trouble.name, (struck.get(trouble.name) ?? 0) + 1);
      await trouble.strike();
      await pass(dice.between(200, 3000));
    });
  }
}

async function addHosts(yard: FaultYard, name: string, count: number, transport: Transport): Promise<void> {
  for (let host = 1, left = count; left > 0; host += 1, left -= RUNNERS_A_HOST) {
    await yard.addRunnerHost(`${name}-${host}`, Math.min(left, RUNNERS_A_HOST), {
      capacity: 1,
      transport,
      specialties: transport === 'github' ? ['backend', 'devops'] : ['backend'],
    });
  }
}

/** Each issue that nobody called off has a job some day, also if its event is still to be found. */
function toWorkAskedFor(stories: ReadonlyMap<number, Story>): Expected {
  const issues = [...stories].filter(([, story]) => !isCalledOff(story)).map(([issue]) => issue);
  return Object.fromEntries(issues.map((issue) => [issue, [JOB_STATES]]));
}

async function repeat(signal: AbortSignal, step: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) await step();
}

async function tellProgress(
  yard: FaultYard,
  stories: ReadonlyMap<number, Story>,
  struck: ReadonlyMap<string, number>,
  startedMs: number,
): Promise<void> {
  // The database may be away just now; the next line comes soon.
  const jobs = await yard.jobs().catch(() => []);
  const ended = jobs.filter(({ state }) => isTerminal(state as JobState)).length;
  const troubles = struck.values().reduce((sum, count) => sum + count, 0);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  say(`${seconds} s: ${stories.size} issues, ${jobs.length} jobs, ${ended} ended, ${troubles} troubles\n`);
}

/** Prints how every kind of issue ended, and all that is not as it should be. */
async function reconcile(
  yard: FaultYard,
  facts: {
    stories: ReadonlyMap<number, Story>;
    struck: ReadonlyMap<string, number>;
    startedMs: number;
    calmMs: number;
  },
): Promise<boolean> {
  const nowMs = performance.now();
  const jobs = await yard.jobs();
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  for (const [issue, story] of facts.stories) {
    const own = jobs.filter((job) => job.issue === issue);
    const { end, isRight } = judge(story, own);
    const key = `${story.padEnd(16)} ${end.padEnd(24)} ${isRight ? 'as it should be' : 'WRONG'}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (!isRight) wrong.push(`#${issue} (${story}): ${JSON.stringify(own)}`);
  }
  const losses = await findLosses(yard);
  const attempts = await yard.database.query('select count(*) as n, max(number) as most from attempts');
  const far = await yard.database.query(
    `select count(*) as n, sum(case when outcome = 'pull_request' then 1 else 0 end) as done from attempts
      join runners on runners.id = attempts.runner_id where runners.transport = 'github'`,
  );

  say('\nTroubles:\n');
  for (const [name, count] of [...facts.struck].toSorted(byName)) say(`  ${name.padEnd(44)} ${count}\n`);
  say('\nIssue            how it ended             verdict            issues\n');
  for (const [key, count] of [...counts].toSorted(byName)) say(`${key.padEnd(60)} ${count}\n`);
  say(`\n${facts.stories.size} issues, ${jobs.length} jobs, ${String(attempts[0]?.['n'])} attempts `);
  say(
    `(at most ${String(attempts[0]?.['most'])} for a job), ${yard.created.filter(({ path }) => path.endsWith('/pulls')).length} pull requests\n`,
  );
  say(
    `${String(far[0]?.['n'])} of the attempts were by way of GitHub, ${Number(far[0]?.['done'])} of them ended in a pull request\n`,
  );
  const dead = jobs.filter(({ state }) => state === 'dead').length;
  say(`${dead} jobs are dead: given up after machines were lost, or offers missed, again and again\n`);
  say(
    `${toSeconds(facts.calmMs - facts.startedMs)} of trouble, at rest ${toSeconds(nowMs - facts.calmMs)} later\n`,
  );
  const problems = [...wrong, ...losses];
  say(
    problems.length === 0
      ? 'Nothing lost, nothing twice.\n'
      : `\nNOT AS IT SHOULD BE:\n${problems.join('\n')}\n`,
  );
  return problems.length === 0;
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a.localeCompare(b);
}

function toSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function toNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`--${name} must be a number above 0, not ${text}`);
}

function say(text: string): void {
  process.stdout.write(text);
}
