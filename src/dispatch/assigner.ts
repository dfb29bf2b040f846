import type { RunnerId } from '../contract/identifiers.ts';
import { chooseRunner, type RunnerChoice } from '../domain/choose-runner.ts';
import { findFull, type Full } from '../domain/concurrency.ts';
import {
  cutToRest,
  describeCut,
  findNoRest,
  type Measured,
  type NoRest,
  toRest,
} from '../domain/day-rest.ts';
import type { AttemptBudget, RunnerView } from '../domain/job.ts';
import type { RepoSettings } from '../domain/repo-settings.ts';
import type { Timings } from '../domain/timings.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { measureDay } from './judge-limits.ts';
import { createLimitsInForce } from './limits-in-force.ts';
import { toPassedOver } from './passed-over.ts';
import { wantStatusComment } from './want-report.ts';

/** Jobs read at a time, and most offers made in one transaction. */
const PAGE = 50;

/** Hands waiting jobs to runners with room. */
export type Assigner = {
  /** Offers what can be offered now. */
  assign(): Promise<void>;
  /** Tells people of jobs that nobody fits why they wait. Looks at those that were looked at the longest ago. */
  explainWaiting(): Promise<void>;
};

/** Who could take work, as it is during one transaction. */
type Field = {
  runners: RunnerView[];
  warmByRepository: Map<number, Set<RunnerId>>;
  /** Of repositories whose settings limit them: specialty → jobs at work. */
  atWorkByRepository: Map<number, Map<string, number>>;
  /** What limits a day, and what it has come to, by who asked for the work. */
  dayByRepository: Map<number, { limits: RepoSettings['limits'] | null; byPerson: Map<string, Measured[]> }>;
};

/** Who gets a job, and how much of its budget, or why nobody does for now. */
type Chosen = Extract<RunnerChoice, { kind: 'chosen' }> & { budget: AttemptBudget | null };
type Choice = Chosen | Extract<RunnerChoice, { kind: 'none' }> | ({ kind: 'none' } & (Full | NoRest));

export function createAssigner(deps: {
  store: Pick<Store, 'transact'>;
  timings: Pick<Timings, 'acceptSeconds' | 'githubAcceptSeconds' | 'runnerGoneSeconds' | 'sweepSeconds'>;
}): Assigner {
  const { store, timings } = deps;
  const readLimits = createLimitsInForce();

  return {
    async assign() {
      while ((await store.transact(assignSome)) === PAGE);
    },

    explainWaiting: () =>
      store.transact(async (tx) => {
        const notSinceMs = tx.nowMs - timings.sweepSeconds * 1000;
        const jobs = await tx.jobs.takeUnexplained(notSinceMs, tx.nowMs, PAGE * 4);
        if (jobs.length === 0) return;
        const field = await readField(tx);
        for (const job of jobs) await explain(tx, job, await choose(tx, job, field));
      }),
  };

  /** Returns how many offers were made, at most a page. */
  async function assignSome(tx: StoreTx): Promise<number> {
    await tx.takeTurn('assign');
    const field = await readField(tx);
    let offers = 0;
    let after: StoredJob | null = null;
    for (;;) {
      const specialties = specialtiesWithRoom(field.runners);
      const page: StoredJob[] = await tx.jobs.offerable({ specialties, nowMs: tx.nowMs, after, limit: PAGE });
      for (const job of page) {
        const choice = await choose(tx, job, field);
        if (choice.kind === 'none') {
          await explain(tx, job, choice);
        } else if (await offer(tx, job, choice)) {
          const atWork = field.atWorkByRepository.get(job.repository.id);
          atWork?.set(job.specialty, (atWork.get(job.specialty) ?? 0) + 1);
          // What it may use is set aside from now on.
          field.dayByRepository.get(job.repository.id)?.byPerson.clear();
          offers += 1;
          if (offers === PAGE) return offers;
        }
      }
      after = page.at(-1) ?? null;
      if (page.length < PAGE) return offers;
    }
  }

  async function readField(tx: StoreTx): Promise<Field> {
    const runners = await tx.runners.views(tx.nowMs, timings.runnerGoneSeconds * 1000);
    return {
      runners,
      warmByRepository: new Map(),
      atWorkByRepository: new Map(),
      dayByRepository: new Map(),
    };
  }

  async function choose(tx: StoreTx, job: StoredJob, field: Field): Promise<Choice> {
    const repositoryId = job.repository.id;
    if (job.settings.concurrency !== undefined) {
      // Counted under the turn that all who offer take, so that no two of them give away the last place.
      const atWork = field.atWorkByRepository.get(repositoryId) ?? (await tx.jobs.atWork(repositoryId));
      field.atWorkByRepository.set(repositoryId, atWork);
      const full = findFull(job, atWork);
      if (full !== null) return { kind: 'none', ...full };
    }
    // Under the same turn: what one is given, the next one does not see as left.
    const day = await readDay(tx, job, field);
    const noRest = findNoRest(day, job.settings);
    if (noRest !== null) return { kind: 'none', ...noRest };
    const warm = field.warmByRepository.get(repositoryId) ?? (await tx.attempts.warmRunners(repositoryId));
    field.warmByRepository.set(repositoryId, warm);
    const choice = chooseRunner({
      specialty: job.specialty,
      kind: job.kind,
      needs: job.needs,
      agent: job.settings.agent,
      otherAgents: job.settings.otherAgents,
      runners: field.runners,
      nowMs: tx.nowMs,
      ...toPassedOver(job, tx.nowMs),
      warm,
      preferred: job.revision?.runnerId ?? null,
    });
    return choice.kind === 'none' ? choice : { ...choice, budget: cutToRest(job.settings, toRest(day)) };
  }

  /** Nothing where the settings limit no day. */
  async function readDay(tx: StoreTx, job: StoredJob, field: Field): Promise<Measured[]> {
    const { repository, requestedBy } = job;
    const { limits, byPerson } = field.dayByRepository.get(repository.id) ?? {
      limits: await readLimits(tx, repository.id),
      byPerson: new Map<string, Measured[]>(),
    };
    field.dayByRepository.set(repository.id, { limits, byPerson });
    const day = byPerson.get(requestedBy) ?? (limits === null ? [] : await measureDay(tx, job, limits));
    byPerson.set(requestedBy, day);
    return day;
  }

  /** Gives the job's attempt to the chosen runner for as long as it may take to accept. */
  async function offer(tx: StoreTx, job: StoredJob, choice: Chosen): Promise<boolean> {
    const { runner, budget } = choice;
    const attempt = job.attemptId === null ? null : await tx.attempts.get(job.attemptId);
    if (!attempt) throw new Error(`Job ${job.id} waits in the queue without an attempt`);
    const acceptSeconds = runner.transport === 'github' ? timings.githubAcceptSeconds : timings.acceptSeconds;
    const moved = await tx.jobs.move(
      job,
      'offered',
      {
        runnerId: runner.id,
        deadlineAtMs: tx.nowMs + acceptSeconds * 1000,
        stateReason: null,
      },
      tx.nowMs,
    );
    if (!moved) return false;

    await tx.attempts.change(attempt.id, {
      epoch: attempt.epoch + 1,
      runner: { id: runner.id, name: runner.name },
      budget,
    });
    await tx.runners.change(runner.id, { lastAssignedAtMs: tx.nowMs });
    const cut = describeCut(job, { budget });
    const parts = [`Offered to ${runner.name}.`, choice.reason, cut].filter((part) => part !== null);
    await tx.tell(job.id, 'offered', parts.join(' '));
    tx.wake(`runner:${runner.id}`);
    // So that the next job of this round sees what this one has taken.
    runner.active += 1;
    runner.lastAssignedAtMs = tx.nowMs;
    return true;
  }
}

/** People hear of it when the kind of reason changes, not whenever a count does. */
async function explain(tx: StoreTx, job: StoredJob, choice: Choice): Promise<void> {
  if (choice.kind === 'chosen' || choice.code === job.waitCode || choice.code === 'avoided') return;
  await tx.jobs.change(job.id, { waitCode: choice.code, stateReason: choice.reason }, tx.nowMs);
  await tx.tell(job.id, 'waiting', choice.reason);
  await wantStatusComment(tx, job);
}

function specialtiesWithRoom(runners: readonly RunnerView[]): string[] {
  const free = runners.filter(
    (runner) => runner.state === 'online' && runner.accepting && runner.active < runner.capacity,
  );
  return [...new Set(free.flatMap((runner) => runner.specialties))];
}
