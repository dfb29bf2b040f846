import type { RunnerFacts } from '../contract/runner-api.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { MachineEnv } from './agents/agent-environment.ts';
import { type Agents, createAgents } from './agents/create-agents.ts';
import type { ConfigReading, RunnerConfig } from './config.ts';
import { describeRunner } from './describe-runner.ts';
import { findSecrets } from './find-secrets.ts';
import { planReload } from './plan-reload.ts';
import type { Sandbox } from './sandbox/sandbox.ts';

/** The configuration of a running runner, with all that is made of it anew when it changes. */
export type LiveSettings = {
  config(): RunnerConfig;
  agents(): Agents;
  facts(): RunnerFacts;
  /** What must not get into logs and reports; never becomes less. */
  secrets(): readonly string[];
  state(): SettingsState;
  /**
   * Reads runner.yml anew and looks at the machine anew. What can change at once does, for attempts that begin from now on; what can’t
   * is said. A file that can’t be used changes nothing, and its problems are said. Never rejects; one at a time.
   */
  reload(): Promise<void>;
};

export type SettingsState = {
  readAtMs: number;
  /** Of the file as it is now; empty = it is in force. */
  problems: string[];
  /** Keys that count after a restart. */
  needsRestart: string[];
};

export async function openLiveSettings(
  first: RunnerConfig,
  deps: {
    /** `null`: there is nothing to read anew. */
    reread: (() => Promise<ConfigReading>) | null;
    secrets: { known: readonly string[]; add(secret: string): void };
    sandbox: Sandbox;
    machineEnv: MachineEnv;
    version: string;
    clock: Clock;
    log: Logger;
    onChange(): void;
  },
): Promise<LiveSettings> {
  const { machineEnv, sandbox, log, clock } = deps;
  let config = first;
  let agents = make(first);
  let facts = await describe(first, agents);
  let secrets = deps.secrets.known;
  let state: SettingsState = { readAtMs: clock.nowMs(), problems: [], needsRestart: [] };
  let busy: Promise<void> = Promise.resolve();

  return {
    config: () => config,
    agents: () => agents,
    facts: () => facts,
    secrets: () => secrets,
    state: () => state,
    reload: () => {
      busy = busy
        .then(reload)
        .catch((error: unknown) => log.error({ err: error }, 'The settings could not be read anew'));
      return busy;
    },
  };

  function make(wanted: RunnerConfig): Agents {
    return createAgents({ ...wanted, machineEnv, log, clock, sandbox });
  }

  function describe(wanted: RunnerConfig, withAgents: Agents): Promise<RunnerFacts> {
    return describeRunner(wanted, { ...deps, agents: withAgents });
  }

  async function reload(): Promise<void> {
    const reading = await deps.reread?.();
    if (reading === undefined) return;
    if (!reading.ok) {
      const { problems } = reading;
      state = { ...state, problems };
      log.error({ problems }, 'runner.yml can not be used as it is now; the settings before stay in force');
      return;
    }
    for (const warning of reading.warnings) log.warn({}, warning);
    const plan = planReload(config, reading.config);
    const found = findSecrets(plan.config, machineEnv).filter((secret) => !secrets.includes(secret));
    for (const secret of found) deps.secrets.add(secret);
    secrets = [...secrets, ...found];
    const newAgents = make(plan.config);
    const newFacts = await describe(plan.config, newAgents);
    [config, agents, facts] = [plan.config, newAgents, newFacts];
    log.level = config.logging.level;
    const { changed, needsRestart } = plan;
    state = { readAtMs: clock.nowMs(), problems: [], needsRestart };
    log.info({ changed }, 'The settings were read anew; they count for what begins from now on');
    if (needsRestart.length > 0) log.warn({ needsRestart }, 'Some settings need a restart of the runner');
    deps.onChange();
  }
}
