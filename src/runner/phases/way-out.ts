import type { RefusedHost } from '../../contract/evidence.ts';
import { isAllowedHost } from '../../domain/host-patterns.ts';
import { adviseRefused } from '../../domain/refused-hosts-text.ts';
import { allowHosts } from '../sandbox/allow-hosts.ts';
import { REGISTRY_HOSTS } from '../sandbox/registry-hosts.ts';
import { openRegistryProxy } from '../sandbox/registry-proxy.ts';
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
  let refused: RefusedHost[] = [];
  const proxy = await openRegistryProxy({
    hosts: withRegistries ? [...own, ...allowed.hosts] : allowed.hosts,
    publicHosts: allowed.publicHosts,
    machineEnv,
    onRefused: (host, because) => {
      const isWanted = because === 'not_named' && isNamed(host, wanted);
      const entry: RefusedHost = { host, by, why: isWanted ? 'not_here' : because };
      say(`[sandbox] refused a connection to ${host}`);
      refused = addRefused(refused, entry);
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
