import type { Agents } from '../agents/create-agents.ts';
import { type AttemptHistory, toAttemptUnderWay } from '../attempt-history.ts';
import type { Contact, ContactState } from '../contact.ts';
import type { LateReports } from '../late-reports.ts';
import type { LiveSettings } from '../live-settings.ts';
import type { Pause, PauseSwitch } from '../pause.ts';
import type { RunnerIdentity } from '../runner-identity.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { WorkLoop } from '../work-loop.ts';
import type { RunnerState, RunnerStatus } from './runner-status.ts';

export type StatusSources = {
  settings: Pick<LiveSettings, 'config' | 'agents' | 'facts' | 'state'>;
  identity: RunnerIdentity;
  version: string;
  pid: number;
  startedAtMs: number;
  sandbox: Pick<Sandbox, 'kind'>;
  loop: Pick<WorkLoop, 'attempts' | 'isDraining'>;
  pause: Pick<PauseSwitch, 'current'>;
  contact: Pick<Contact, 'state'>;
  history: Pick<AttemptHistory, 'list'>;
  late: Pick<LateReports, 'waiting'>;
  freeDiskBytes: () => Promise<number>;
  minFreeDiskBytes: number;
  /** What stood there at the last look; `null` before the first. */
  diskUse: () => { bytes: number } | null;
  healthUrl: () => string | null;
};

/** Everything that health, metrics, control socket and service manager are told, from one place. */
export async function readStatus(sources: StatusSources): Promise<RunnerStatus> {
  const { identity, loop } = sources;
  const config = sources.settings.config();
  const facts = sources.settings.facts();
  const contact = sources.contact.state();
  const paused = sources.pause.current();
  // A disk that can't be asked is told by whoever needs it.
  const freeDiskBytes = await sources.freeDiskBytes().catch(() => null);
  const isShort = freeDiskBytes !== null && freeDiskBytes < sources.minFreeDiskBytes;
  const lack = findLack(facts.capabilities, sources.settings.agents(), isShort);
  const situation = { isDraining: loop.isDraining(), paused, contact, lack };
  return {
    state: toState(situation),
    notReady: explainNotReady(situation),
    runnerId: identity.runnerId,
    name: config.agentId,
    version: sources.version,
    pid: sources.pid,
    startedAtMs: sources.startedAtMs,
    transport: identity.kind,
    farSide: identity.kind === 'github' ? identity.app.apiUrl : config.coordinatorUrl,
    contact,
    paused,
    settings: sources.settings.state(),
    specialties: facts.specialties,
    capabilities: facts.capabilities,
    capacity: facts.capacity,
    sandbox: sources.sandbox.kind,
    workspaceRoot: config.workspaceRoot,
    freeDiskBytes,
    disk: { usedBytes: sources.diskUse()?.bytes ?? null, quota: config.disk },
    healthUrl: sources.healthUrl(),
    attempts: loop.attempts().map(toAttemptUnderWay),
    ended: sources.history.list(),
    unreported: sources.late.waiting(),
  };
}

function findLack(capabilities: readonly string[], { byName }: Pick<Agents, 'byName'>, isShort: boolean) {
  if (!capabilities.some((capability) => capability.startsWith('agent:'))) {
    return `no agent can run here (${[...byName.keys()].join(', ')}); “yardmaster runner doctor” says how to mend it, and a restarted or reloaded runner sees that it was`;
  }
  return isShort ? 'too little free disk space' : null;
}

type Situation = {
  isDraining: boolean;
  paused: Pause | null;
  contact: ContactState;
  /** What the machine lacks for every job. */
  lack: string | null;
};

function toState({ isDraining, paused, contact, lack }: Situation): RunnerState {
  if (isDraining) return 'draining';
  if (paused !== null) return 'paused';
  if (!contact.connected) return 'connecting';
  return lack === null ? 'ready' : 'unable';
}

/** Why nothing new is taken, for people; `null` = work is taken. Having no free slot is no such reason: that is what it is for. */
function explainNotReady({ isDraining, paused, contact, lack }: Situation): string | null {
  if (isDraining) return 'it finishes what it has, and ends';
  if (paused !== null) {
    return `it is paused${paused.reason === null ? '' : ` (${paused.reason})`}; “yardmaster runner resume” lets it take work`;
  }
  if (!contact.connected) {
    return contact.trouble === null ? 'it has not been heard yet' : `no contact: ${contact.trouble}`;
  }
  return lack;
}

/** The state in a line, for the service manager. */
export function toStateLine({ state, notReady, attempts, capacity }: RunnerStatus): string {
  return `${state}, ${attempts.length} of ${capacity} slots taken${notReady === null ? '' : `: ${notReady}`}`;
}
