import type { RefusedHost } from '../../contract/job.ts';
import { isAllowedHost, meetHosts } from '../../domain/host-patterns.ts';
import { adviseRefused } from '../../domain/refused-hosts-text.ts';
import { REGISTRY_HOSTS } from '../sandbox/registry-hosts.ts';
import { openRegistryProxy } from '../sandbox/registry-proxy.ts';
import type { SandboxSettings } from '../sandbox/sandbox-settings.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';

/** Of agent, set-up and tests each: whoever floods the list must not keep the others out of it. */
const MAX_REFUSED_EACH = 16;

/** How agent, set-up or tests get out of the sandbox while they run. */
export type WayOut = {
  /** The proxy's socket; `null` where nothing stands in the way. */
  socket: string | null;
  /** What was refused so far, and what to do about it; `null` when nothing was. */
  explainRefused(): string | null;
  close(): Promise<void>;
};

/** What may be reached, as `openRegistryProxy` takes it. */
export type Reach = { hosts: string[]; publicHosts: string[] };

/**
 * Hosts that the repository's settings name, as far as the machine's owner lets repositories name them. Where he lets them name any, only
 * those that he names himself may lead into his own network.
 */
export function allowHosts(
  wanted: readonly string[],
  { repositoryHosts, hosts }: Pick<SandboxSettings, 'repositoryHosts' | 'hosts'>,
): Reach {
  return repositoryHosts === 'any'
    ? { hosts: meetHosts(wanted, hosts), publicHosts: [...wanted] }
    : { hosts: meetHosts(wanted, repositoryHosts), publicHosts: [] };
}

/** What comes of the hosts that the settings name, for people; `null` when they name none. */
export function describeReach(
  wanted: readonly string[],
  machine: Pick<SandboxSettings, 'repositoryHosts' | 'hosts'>,
): string | null {
  if (wanted.length === 0) return null;
  const { hosts, publicHosts } = allowHosts(wanted, machine);
  const open = [...new Set([...hosts, ...publicHosts])];
  const closed = wanted.filter((host) => !open.includes(host));
  return [
    `The settings name hosts; open from here: ${open.length === 0 ? 'none' : open.join(', ')}`,
    ...(closed.length === 0
      ? []
      : [`not, or not in full: ${closed.join(', ')} (sandbox.repository_hosts in runner.yml)`]),
  ].join('; ');
}

/**
 * A proxy to the hosts that the job's specialty may reach here and, `withRegistries`, to the package registries and the machine's own
 * hosts. It is opened even where it leads nowhere: it tells what was tried. That goes in the log and in the evidence.
 */
export async function openWayOut(
  by: RefusedHost['by'],
  withRegistries: boolean,
  { spec, record, say }: AttemptContext,
  { sandbox, reach, machineEnv }: PhaseDeps,
): Promise<WayOut> {
  if (sandbox.kind === 'none') return OPEN;
  const wanted = spec.settings.hosts ?? [];
  const allowed = allowHosts(wanted, reach);
  const own = [...(reach.registries ? REGISTRY_HOSTS : []), ...reach.hosts];
  const refused: RefusedHost[] = [];
  const proxy = await openRegistryProxy({
    hosts: withRegistries ? [...own, ...allowed.hosts] : allowed.hosts,
    publicHosts: allowed.publicHosts,
    machineEnv,
    onRefused: (host, because) => {
      const isWanted = because === 'not_named' && isNamed(host, wanted);
      const entry: RefusedHost = { host, by, why: isWanted ? 'not_here' : because };
      say(`[sandbox] refused a connection to ${host}`);
      refused.push(entry);
      record.evidence = { ...record.evidence, refusedHosts: addRefused(record.evidence.refusedHosts, entry) };
    },
  });
  return {
    socket: proxy.socket,
    explainRefused: () => (refused.length === 0 ? null : adviseRefused(refused)),
    close: proxy.close,
  };
}

const OPEN: WayOut = { socket: null, explainRefused: () => null, close: async () => undefined };

function isNamed(target: string, wanted: readonly string[]): boolean {
  const [host = '', port] = target.split(':');
  return isAllowedHost(host, Number(port), wanted);
}

function addRefused(known: readonly RefusedHost[] = [], entry: RefusedHost): RefusedHost[] {
  const same = known.filter(({ by }) => by === entry.by);
  const isKnown = same.some(({ host }) => host === entry.host);
  return isKnown || same.length >= MAX_REFUSED_EACH ? [...known] : [...known, entry];
}
