import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { JOB_STATES } from './contract/job.ts';
import type { RunnerView } from './domain/job.ts';
import { packageVersion } from './package-version.ts';
import type { Store } from './store/store.ts';

const TASK_STATES = ['ready', 'running', 'done', 'dead'] as const;
const RUNNER_STATES = ['online', 'draining', 'gone', 'revoked'] as const satisfies RunnerView['state'][];

/** Figures for Prometheus. Names of repositories, people and runners are not in them. */
export type CoordinatorMetrics = {
  /** The exposition format, as it is now. Throws when the store is away. */
  render(): Promise<{ type: string; body: string }>;
};

/**
 * All but the process's own figures are counted in the store when asked for: coordinators that share a store say the same, and a restart
 * loses nothing.
 */
export function createCoordinatorMetrics(deps: {
  store: Store;
  listRunners: () => Promise<RunnerView[]>;
}): CoordinatorMetrics {
  const { store, listRunners } = deps;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    new Gauge<L>({ name: `yardmaster_${name}`, help, labelNames, registers });

  const info = gauge('coordinator_info', 'Always 1; which version this is', ['version']);
  const jobs = gauge('jobs', 'Jobs, by state', ['state']);
  const deliveries = gauge('deliveries', 'Webhooks that were taken in; dead = yardmaster deliveries list', [
    'state',
  ]);
  const effects = gauge('effects', 'What is written on GitHub; dead = given up', ['state']);
  const runners = gauge('runners', 'Runners, by state', ['state']);
  const quarantined = gauge('runners_quarantined', 'Runners that get no work after failures');
  const slots = gauge('runner_slots', 'How many attempts the runners that are online have room for');
  const busy = gauge('runner_slots_taken', 'How many of those are taken');
  info.set({ version: packageVersion() }, 1);

  async function update(): Promise<void> {
    const [nowMs, jobCounts, deliveryCounts, effectCounts, views] = await Promise.all([
      store.nowMs(),
      store.jobs.countByState(),
      store.countDeliveries(),
      store.effects.countByState(),
      listRunners(),
    ]);
    // States without any are told too: an alert on what is missing never fires.
    for (const state of JOB_STATES) jobs.set({ state }, jobCounts[state] ?? 0);
    for (const state of TASK_STATES) {
      deliveries.set({ state }, deliveryCounts[state]);
      effects.set({ state }, effectCounts[state] ?? 0);
    }
    for (const state of RUNNER_STATES) {
      runners.set({ state }, views.filter((view) => view.state === state).length);
    }
    quarantined.set(views.filter(({ quarantinedUntilMs }) => (quarantinedUntilMs ?? 0) > nowMs).length);
    const online = views.filter(({ state }) => state === 'online');
    slots.set(online.reduce((sum, { capacity }) => sum + capacity, 0));
    busy.set(online.reduce((sum, { active }) => sum + active, 0));
  }

  return {
    render: async () => {
      await update();
      return { type: registry.contentType, body: await registry.metrics() };
    },
  };
}
