import type { JobState } from '../../../src/contract/job.ts';
import { isTerminal } from '../../../src/domain/job-lifecycle.ts';
import { until } from '../../support/until.ts';
import type { FailPlan } from '../programs/fail-points.ts';
import { PATIENCE_MS } from './fault-timings.ts';
import { type FaultYard } from './fault-yard.ts';
import { type Expected, openTasks, untilAtRest } from './nothing-lost.ts';
import type { Program } from './program.ts';
import { elapsedMs } from './recovery.ts';

/** What happens to each of the jobs, and how it ends. */
export type Story = {
  title: string;
  end: JobState;
  /** Brings a further job about as soon as the first has succeeded: that one is hit, and ends so. */
  further?: (issue: number) => Promise<unknown>;
  /** What a person does as soon as its agent works. */
  whenItWorks?: (issue: number) => Promise<unknown>;
};

const PLAIN_WORK: Story = { title: 'Do it', end: 'succeeded' };

/** What came of it, over all jobs. */
export type Hits = {
  expected: Record<number, Expected[number]>;
  /** The write after which it was killed, each time. */
  writes: string[];
  /** From each job's last kill until everything was at rest. */
  recoveriesMs: number[];
};

type Options = {
  /** Plain work when left out. */
  story?: Story;
  stride?: number;
  mostHits?: number;
  /** Leaves out jobs, so that only every so-manieth write is hit. */
  everyNth?: number;
  /** What has to be among the descriptions of the writes: each that chance has left out is hit once in a job of its own. */
  alsoAt?: readonly string[];
  afterRestart?: () => Promise<unknown>;
};

/**
 * Kills a program after every write. What goes on where it was: the first job is hit after write 1, 1 + stride, 1 + 2 · stride, … until it
 * gets through, the second after write 2, 2 + stride, …; so together the jobs of one stride have been hit between every two writes that
 * a job takes. What begins anew (no `stride`): each job is hit once, the first after write 1, the second after write 2, until one gets
 * through before. Each time the program is started anew with what it left on disk.
 */
export async function hitAgainAndAgain(yard: FaultYard, program: Program, options: Options): Promise<Hits> {
  const hits: Hits = { expected: {}, writes: [], recoveriesMs: [] };
  const { story = PLAIN_WORK, stride = Infinity, mostHits = 1, everyNth = 1, alsoAt = [] } = options;
  for (let first = 1; first <= stride; first += everyNth) {
    const plans = [{ nth: first }, ...Array.from({ length: mostHits - 1 }, () => ({ nth: stride }))];
    if (!(await tell(plans))) break;
  }
  for (const like of alsoAt) {
    if (!hits.writes.some((write) => write.includes(like))) await tell([{ like }]);
  }
  return hits;

  /** One job, with one kill after the other as planned. False when it got through without any. */
  async function tell(plans: readonly Partial<FailPlan>[]): Promise<boolean> {
    const [first, ...later] = plans;
    const arm = () => first && program.plan(first);
    if (!story.further) arm();
    const issue = await yard.ask(story.title);
    const ends: JobState[] = story.further ? ['succeeded', story.end] : [story.end];
    if (story.further) {
      await untilAtRest(yard, { ...hits.expected, [issue]: ['succeeded'] });
      arm();
      await story.further(issue);
    }
    hits.expected[issue] = ends;
    const goOn = once(() => story.whenItWorks?.(issue));
    let killedMs: number | undefined;
    for (;;) {
      await untilKilledOrDone(yard, program, { issue, jobs: ends.length }, goOn);
      if (program.isRunning()) break;
      killedMs = performance.now();
      hits.writes.push(program.takeHit() ?? 'it was killed by something else');
      await program.start();
      const next = later.shift();
      if (next) program.plan(next);
      await options.afterRestart?.();
    }
    program.takeHit();
    await untilAtRest(yard, hits.expected);
    if (killedMs === undefined) return false;
    hits.recoveriesMs.push(elapsedMs(killedMs));
    return true;
  }
}

async function untilKilledOrDone(
  yard: FaultYard,
  program: Program,
  wanted: { issue: number; jobs: number },
  goOn: () => Promise<unknown>,
): Promise<void> {
  await until(
    'it is killed, or the job is done',
    async () => {
      if (!program.isRunning()) return true;
      const job = (await yard.jobs()).filter((one) => one.issue === wanted.issue)[wanted.jobs - 1];
      if (job?.state === 'running') await goOn();
      // A job that ends in another way is at rest as well: what it should have been is looked at by the end.
      return job && isTerminal(job.state as JobState) && (await openTasks(yard)).length === 0;
    },
    PATIENCE_MS,
    50,
  ).catch(async (error: Error) => {
    const jobs = (await yard.jobs()).filter((job) => job.issue === wanted.issue);
    const seen = { jobs, tasks: await openTasks(yard), plan: program.planned() };
    throw new Error(`${error.message}; there is ${JSON.stringify(seen, null, 1)}\n${yard.logs()}`);
  });
}

function once(act: () => Promise<unknown> | undefined): () => Promise<unknown> {
  let acted: Promise<unknown> | undefined;
  return () => (acted ??= Promise.resolve(act()));
}
