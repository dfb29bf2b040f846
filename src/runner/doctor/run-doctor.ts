import { constants } from 'node:fs';
import { access, mkdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { toError } from '../../lib/to-error.ts';
import type { MachineEnv } from '../agents/agent-environment.ts';
import { createAgents } from '../agents/create-agents.ts';
import type { RunnerConfig } from '../config.ts';
import { ControlError, createControlClient } from '../control/control-client.ts';
import { sumBytes } from '../disk-quota.ts';
import { findSecretPaths } from '../find-secrets.ts';
import { MIN_FREE_DISK_BYTES } from '../work-loop.ts';
import { readIdentity } from '../runner-identity.ts';
import { sandboxStateFolder, tryBubblewrap, whyRequired } from '../sandbox/open-sandbox.ts';
import { NO_SANDBOX, type Sandbox } from '../sandbox/sandbox.ts';
import { probeToolchains, TOOLCHAINS } from '../toolchains.ts';
import type { RunnerKey } from '../key-file.ts';
import { systemRandom } from '../../lib/random.ts';
import { confirmKeyAtCoordinator } from '../transport/key-calls.ts';
import { TransportError, transportErrorKind } from '../transport/transport-error.ts';
import { readInventory } from '../workspace/inventory.ts';
import { type Check, fine, trouble } from './check.ts';
import { judgeAgents } from './judge-agents.ts';
import { judgeClock, judgeDisk, judgeDiskUse, judgeKeyMode, judgeUser } from './judge-machine.ts';
import { judgeToolchains } from './judge-toolchains.ts';
import { type Reach, reach } from './reach.ts';
import { wishesOf } from './specialty-toolchains.ts';

const KEY_MS = 8000;
const PUBLIC_GITHUB = 'https://api.github.com';

export type DoctorDeps = {
  configFile: string;
  /** What reading it found odd. */
  warnings: readonly string[];
  /** REST root of GitHub, where it is not the public one. */
  githubUrl: string | null;
  machineEnv: MachineEnv;
  homeFolder: string;
  user: { uid: number | undefined; name: string };
  fetch: typeof fetch;
  clock: Clock;
  log: Logger;
};

/**
 * Looks at everything that a runner of this configuration needs, in the order in which people set it up. Changes nothing, disturbs no
 * runner that works here, and never throws for what it finds.
 */
export async function runDoctor(config: RunnerConfig, deps: DoctorDeps): Promise<Check[]> {
  const { user } = deps;
  const folder = path.join(config.workspaceRoot, '.yardmaster', 'doctor');
  const workspace = await checkWorkspaceRoot(config, folder, deps);
  const settings = [
    fine('runner.yml', `${config.agentId}, for ${config.specialties.join(', ')} (${deps.configFile})`),
    ...deps.warnings.map((warning) =>
      trouble('warning', 'runner.yml', warning, 'docs/runner.md lists every key'),
    ),
    judgeUser(user.uid, user.name),
    fine('Node.js', `${process.versions.node} (${process.execPath})`),
    ...workspace,
  ];
  const [identity, network] = await Promise.all([checkIdentity(config, deps), checkNetwork(config, deps)]);
  const checks = [...settings, ...identity, ...network, await checkDaemon(config)];
  // Without a folder nothing more can be tried.
  if (workspace.some(({ result }) => result === 'failed')) return checks;

  const { sandbox, check } = await checkSandbox(config, folder, deps);
  const findings = await probeToolchains({ machineEnv: deps.machineEnv, sandbox, folder });
  const wishes = wishesOf(config.specialties, new Set(TOOLCHAINS.map(({ name }) => name)));
  return [
    ...checks,
    check,
    ...judgeToolchains(wishes, findings, { isSandboxed: sandbox.kind !== 'none' }),
    ...(await checkAgents(config, sandbox, deps)),
  ];
}

async function checkWorkspaceRoot(
  { workspaceRoot: root, disk }: RunnerConfig,
  folder: string,
  { machineEnv }: DoctorDeps,
): Promise<Check[]> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(root, constants.W_OK);
    const { bavail, bsize } = await statfs(root);
    const nobody = {
      attempts: new Map<string, string>(),
      mirrors: new Set<string>(),
      kept: new Map<string, number>(),
    };
    const used = sumBytes(await readInventory(root, nobody, machineEnv));
    return [judgeDisk(bavail * bsize, MIN_FREE_DISK_BYTES, root), judgeDiskUse(used, disk)];
  } catch (error) {
    return [
      trouble(
        'failed',
        'workspace_root',
        `${root} can’t be used: ${toError(error).message}`,
        'make it, and give it to the runner’s user (chown); or name another in runner.yml',
      ),
    ];
  }
}

async function checkIdentity(config: RunnerConfig, deps: DoctorDeps): Promise<Check[]> {
  const reading = await readIdentity(config);
  if (!reading.ok) return [trouble('failed', 'key', 'no key that can be used', reading.problem)];
  const file = config.githubApp?.privateKeyPath ?? config.keyFile;
  const kept = judgeKeyMode((await stat(file)).mode, file);
  const { identity } = reading;
  const known = identity.kind === 'github' ? null : await checkKey(identity.key, config, deps);
  return [kept, ...(known === null ? [] : [known])];
}

/** Whether the coordinator takes the key; `null` = it could not be asked, which is told elsewhere, or is too old for the question. */
async function checkKey(key: RunnerKey, config: RunnerConfig, deps: DoctorDeps): Promise<Check | null> {
  try {
    const url = config.coordinatorUrl;
    await confirmKeyAtCoordinator(
      { key, signal: AbortSignal.timeout(KEY_MS) },
      { ...deps, url, random: systemRandom },
    );
    return fine('enrolment', `known to the coordinator as ${key.runnerId}`);
  } catch (error) {
    const kind = transportErrorKind(error);
    const isTold = kind === 'revoked' || (error instanceof TransportError && error.status === 401);
    if (!isTold) return null;
    return trouble(
      'failed',
      'enrolment',
      toError(error).message,
      'on the coordinator’s machine “yardmaster runner token”, here “yardmaster runner enroll”',
    );
  }
}

async function checkNetwork(config: RunnerConfig, deps: DoctorDeps): Promise<Check[]> {
  const github = deps.githubUrl ?? config.githubApp?.apiUrl ?? PUBLIC_GITHUB;
  const isDirect = config.transport === 'github';
  const ask = (url: string): Promise<Reach> => reach(url, { fetch: deps.fetch, nowMs: deps.clock.nowMs });
  const [coordinator, hub] = await Promise.all([
    isDirect ? null : ask(`${config.coordinatorUrl}/health`),
    ask(`${github.replace(/\/+$/, '')}/`),
  ]);
  const answered = [coordinator, hub].find((found) => found?.ok === true && found.offsetMs !== null);
  return [
    ...(coordinator === null ? [] : [judgeCoordinator(coordinator, config.coordinatorUrl)]),
    hub.ok
      ? fine('GitHub', `${github} answers in ${Math.round(hub.tookMs)} ms`)
      : trouble(
          'failed',
          'GitHub',
          `${github} can’t be reached: ${hub.reason}`,
          'look at DNS, firewall and proxy; a GitHub of your own: --github-url <its REST root>',
        ),
    judgeClock(answered?.ok === true ? answered.offsetMs : null, config.transport),
  ];
}

function judgeCoordinator(found: Reach, url: string): Check {
  if (!found.ok) {
    return trouble(
      'failed',
      'coordinator',
      `${url} can’t be reached: ${found.reason}`,
      'is it running there (“yardmaster serve”), and does HOST let others in? Otherwise mend coordinator_url',
    );
  }
  if (found.status === 200) return fine('coordinator', `${url} answers in ${Math.round(found.tookMs)} ms`);
  return trouble(
    'failed',
    'coordinator',
    `${url}/health answers ${found.status}`,
    'does coordinator_url lead to a Yardmaster coordinator? Its own log says more',
  );
}

async function checkDaemon({ workspaceRoot }: RunnerConfig): Promise<Check> {
  try {
    const { state, pid, notReady } = await createControlClient(workspaceRoot).status();
    return notReady === null
      ? fine('daemon', `runs (process ${pid})`)
      : trouble('warning', 'daemon', `runs (process ${pid}), but takes no work: ${state}`, notReady);
  } catch (error) {
    const isAway = error instanceof ControlError && error.isAway;
    return trouble(
      'warning',
      'daemon',
      isAway ? 'does not run' : 'could not be asked',
      isAway ? '“yardmaster runner run”, or “yardmaster runner service install”' : toError(error).message,
    );
  }
}

async function checkSandbox(
  config: RunnerConfig,
  folder: string,
  deps: DoctorDeps,
): Promise<{ sandbox: Sandbox; check: Check }> {
  const { mode } = config.sandbox;
  if (mode === 'off') {
    return {
      sandbox: NO_SANDBOX,
      check: trouble(
        'warning',
        'sandbox',
        'off: agents and tests can do all that the runner’s user may do',
        'sandbox: required in runner.yml, unless the machine holds nothing else',
      ),
    };
  }
  const tried = await tryBubblewrap({
    settings: config.sandbox,
    machineEnv: deps.machineEnv,
    homeFolder: deps.homeFolder,
    workspaceRoot: config.workspaceRoot,
    secretPaths: findSecretPaths(config, deps.configFile),
    stateFolder: path.join(folder, 'sandbox'),
    nodeExecutable: process.execPath,
    clock: deps.clock,
  });
  if (tried.ok) return { sandbox: tried.sandbox, check: fine('sandbox', describeSandbox(config.sandbox)) };
  const why = await whyRequired(mode, sandboxStateFolder(config.workspaceRoot));
  const found = why === null ? 'does not work, so agents and tests run without' : 'does not work';
  const fix = why === null || mode === 'required' ? tried.problem : `${why} ${tried.problem}`;
  const result = why === null ? 'warning' : 'failed';
  return { sandbox: NO_SANDBOX, check: trouble(result, 'sandbox', found, fix) };
}

function describeSandbox({ mode, repositoryHosts }: RunnerConfig['sandbox']): string {
  const named = repositoryHosts === 'any' ? 'any public host' : repositoryHosts.join(', ');
  return [
    'bubblewrap works',
    ...(mode === 'preferred'
      ? ['should it fail one day, jobs run without (sandbox: required forbids that)']
      : []),
    `repositories may open ${named === '' ? 'no host' : named}`,
  ].join('; ');
}

/** Of the default agents one has to work; another one that doesn’t is only not offered. */
async function checkAgents(config: RunnerConfig, sandbox: Sandbox, deps: DoctorDeps): Promise<Check[]> {
  const agents = createAgents({
    ...config,
    machineEnv: deps.machineEnv,
    log: deps.log,
    clock: deps.clock,
    sandbox,
  });
  const found = await Promise.all(
    [...agents.byName].map(async ([name, agent]) => ({ name, fitness: await agent.preflight() })),
  );
  return judgeAgents(found, agents.defaultNames);
}
