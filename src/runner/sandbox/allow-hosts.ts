import { meetHosts } from '../../domain/host-patterns.ts';
import type { SandboxSettings } from './sandbox-settings.ts';

/** What may be reached, as `openRegistryProxy` takes it. */
type Reach = { hosts: string[]; publicHosts: string[] };

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
