import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import type { OperatorClient } from '../../../src/operator/operator-client.ts';
import { enrollRunner } from '../../../src/runner/enroll.ts';
import type { RunnerTuning } from '../../../src/runner/run-daemon.ts';
import { createTestLogger } from '../../support/test-logger.ts';
import { GITHUB_POLL_SECONDS } from './fault-timings.ts';

const AGENT = path.resolve(import.meta.dirname, '..', '..', 'fixtures', 'bin', 'quick-agent.sh');

/** How a runner hears of work. */
export type Transport = 'coordinator' | 'github';

export type RunnerWishes = {
  workspaceRoot?: string;
  /** Of another runner: it works under that one's identity, and is not enrolled. */
  keyFile?: string;
  tuning?: Partial<RunnerTuning>;
  capacity?: number;
  /** `backend` when left out. */
  specialties?: readonly [string, ...string[]];
  /** The command of its agent, in place of the one that works by the title. */
  agent?: [string, ...string[]];
  /** From the coordinator when left out. */
  transport?: Transport;
};

/** Where a runner shall work, and with whom. */
type RunnerPlace = {
  /** For its configuration, its key and its workspaces. */
  folder: string;
  /** Where the coordinator is while the runner is enrolled, and where it is for the runner from then on. */
  enrollAt: string;
  coordinatorUrl: string;
  operator: OperatorClient;
  github: { url: string; app: { id: number; privateKey: string } };
  /** What its agent gets to see. */
  agentEnv: Record<string, string>;
};

/** Writes a runner's configuration and lets it in, in the way that its transport takes, unless it works under another one's identity. */
export async function prepareRunner(name: string, wanted: RunnerWishes, place: RunnerPlace) {
  const config = path.join(place.folder, `${name}.yml`);
  const workspaceRoot = wanted.workspaceRoot ?? path.join(place.folder, name);
  const { capacity = 2, specialties = ['backend'] } = wanted;
  const way =
    wanted.transport === 'github'
      ? await letInByGitHub(name, { capacity, specialties }, place)
      : { coordinator_url: place.coordinatorUrl };
  await writeFile(
    config,
    stringify({
      agent_id: name,
      hostname: '127.0.0.1',
      specialties,
      workspace_root: workspaceRoot,
      max_concurrent_tasks: capacity,
      health: false,
      sandbox: 'off',
      capabilities: { declared: ['os:linux'] },
      default_agent: 'quick',
      agents: { quick: { kind: 'command', command: wanted.agent ?? [AGENT], env: place.agentEnv } },
      ...(wanted.keyFile === undefined ? {} : { key_file: wanted.keyFile }),
      ...way,
    }),
  );
  if (wanted.transport !== 'github' && wanted.keyFile === undefined) await enroll(config, specialties, place);
  return { config, workspaceRoot };
}

async function enroll(configPath: string, specialties: readonly string[], place: RunnerPlace): Promise<void> {
  const { token } = await place.operator.createRunnerToken({ specialties: [...specialties] });
  const enrollment = await enrollRunner(
    { url: place.enrollAt, token, configPath },
    {
      version: '0.0.0-fault',
      machineEnv: {},
      machine: { hostname: '127.0.0.1', homeFolder: place.folder },
      fetch,
      clock: systemClock,
      random: systemRandom,
      log: createTestLogger(),
    },
  );
  if (!enrollment.ok) throw new Error(enrollment.problems.join('\n'));
}

/** What an operator does for a machine that only reaches GitHub, as a part of its configuration. */
async function letInByGitHub(
  name: string,
  { capacity, specialties }: { capacity: number; specialties: readonly string[] },
  { folder, operator, github }: RunnerPlace,
) {
  const privateKeyPath = path.join(folder, `${name}.pem`);
  await writeFile(privateKeyPath, github.app.privateKey, { mode: 0o600 });
  const { runnerId } = await operator.enrollGitHubRunner({
    name,
    specialties: [...specialties],
    capabilities: ['os:linux', 'agent:quick'],
    capacity,
  });
  return {
    transport: 'github',
    github_app: {
      runner_id: runnerId,
      app_id: github.app.id,
      private_key_path: privateKeyPath,
      api_url: github.url,
      poll_seconds: GITHUB_POLL_SECONDS,
    },
  };
}
