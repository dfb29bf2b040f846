import type { JobState } from '../../../src/contract/job.ts';
import { isTerminal } from '../../../src/domain/job-lifecycle.ts';
import { until } from '../../support/until.ts';
import { PATIENCE_MS } from './fault-timings.ts';
import { type FaultYard } from './fault-yard.ts';
import { type Expected, openTasks, untilAtRest } from './nothing-lost.ts';
import type { Program } from './program.ts';
import { elapsedMs } from './recovery.ts';

/** What came of it, over all jobs. */
export type Hits = {
  expected: Record<number, Expected[number]>;
  /** The write after which it was killed, each time. */
  writes: string[];
  /** From each job's last kill until everything was at rest. */
  recoveriesMs: number[];
};

/**
 * Kills a program after every write. What goes on where it was: the first job is hit after write 1, 1 + stride, 1 + 2 · stride, … until it
 * gets through, the second after write 2, 2 + stride, …; so together the jobs of one stride have been hit between every two writes that
 * a job takes. What begins anew (no `stride`): each job is hit once, the first after write 1, the second after write 2, until one gets
 * through before. Each time the program is started anew with what it left on disk.
 */
export async function hitAgainAndAgain(
  yard: FaultYard,
  program: Program,
  options: { stride?: number; mostHits?: number; afterRestart?: () => Promise<unknown> },
): Promise<Hits> {
  const hits: Hits = { expected: {}, writes: [], recoveriesMs: [] };
  const { stride = Infinity, mostHits = 1 } = options;
  for (let first = 1; first <= stride; first += 1) {
    program.plan({ nth: first });
    const issue = await yard.ask();
    hits.expected[issue] = ['succeeded'];
    let killedMs: number | undefined;
    for (let count = 1; ; count += 1) {
      await untilKilledOrDone(yard, program, issue);
      if (program.isRunning()) break;
      killedMs = performance.now();
      hits.writes.push(program.takeHit() ?? 'it was killed by something else');
      await program.start();
      if (count < mostHits) program.plan({ nth: stride });
      await options.afterRestart?.();
    }
    program.takeHit();
    await untilAtRest(yard, hits.expected);
    if (killedMs === undefined) break;
    hits.recoveriesMs.push(elapsedMs(killedMs));
  }
  return hits;
}

async function untilKilledOrDone(yard: FaultYard, program: Program, issue: number): Promise<void> {
  await until(
    'it is killed, or the job is done',
    async () => !program.isRunning() || (await isDone(yard, issue)),
    PATIENCE_MS,
    50,
  ).catch(async (error: Error) => {
    const jobs = (await yard.jobs()).filter((job) => job.issue === issue);
    const seen = { jobs, tasks: await openTasks(yard), plan: program.planned() };
    throw new Error(`${error.message}; there is ${JSON.stringify(seen, null, 1)}\n${yard.logs()}`);
  });
}

/** A job that ends in another way is at rest as well: what it should have been is looked at by the end. */
async function isDone(yard: FaultYard, issue: number): Promise<boolean> {
  const job = (await yard.jobs()).find((one) => one.issue === issue);
  return job !== undefined && isTerminal(job.state as JobState) && (await openTasks(yard)).length === 0;
}
