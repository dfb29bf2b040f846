/**
 * Hosts as people name them: `example.org`, `*.example.org` (one name or more before it), either with `:8443`. Without a port both
 * https and http are meant.
 */
const SHAPE = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\d{1,5})?$/;
const MAX_NAME = 253;
const DEFAULT_PORTS = [443, 80];

export const HOST_HINT =
  'must be a host such as registry.example.com, *.example.com or registry.example.com:8443';

type Pattern = { name: string; isWildcard: boolean; ports: readonly number[] };

/** Why this is no name of a host; `null` when it is one. */
export function explainBadHost(text: string): string | null {
  const { name, ports } = parse(text);
  return SHAPE.test(text) && name.length <= MAX_NAME && ports.every((port) => port > 0 && port < 65_536)
    ? null
    : HOST_HINT;
}

/** Names under which clouds tell a machine its credentials. */
const METADATA_NAMES = [
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.azure.com',
  'instance-data.ec2.internal',
  'metadata.platformequinix.com',
  'metadata.packet.net',
];

/**
 * The same for a repository, which may not name places that mean something else on each machine. What hides behind a name that looks
 * innocent only shows where it is looked up: see the runner's proxy.
 */
export function explainBadRepositoryHost(text: string): string | null {
  const { name, isWildcard } = parse(text);
  if (isAddress(text, name))
    return 'is an IP address; write the name of the host, for what is behind a number differs by machine';
  const bad = explainBadHost(text);
  if (bad !== null) return bad;
  if (name === 'localhost' || name.endsWith('.localhost'))
    return 'is the machine itself; in the sandbox localhost is the sandbox, which needs no entry';
  if (!name.includes('.'))
    return isWildcard
      ? 'would be a whole top-level domain; name the hosts that are needed'
      : 'has no dot; write its full name, such as registry.example.com';
  const covered = METADATA_NAMES.find((metadata) => meet(parse(text), parse(metadata)) !== null);
  if (covered !== undefined)
    return `leads to ${covered}, where a cloud keeps the machine’s credentials; take it out`;
  return null;
}

/** In dots, in brackets, as one number, in hexadecimal: what ends in a number is an address to every resolver. */
function isAddress(text: string, name: string): boolean {
  return text.startsWith('[') || text.split(':').length > 2 || /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name);
}

/** Whether one of the patterns is for this host and port. */
export function isAllowedHost(host: string, port: number, patterns: readonly string[]): boolean {
  const wanted = host.toLowerCase().replace(/\.$/, '');
  return patterns.some((text) => {
    const { name, isWildcard, ports } = parse(text);
    return ports.includes(port) && (isWildcard ? wanted.endsWith(`.${name}`) : wanted === name);
  });
}

/** Patterns for exactly what both lists are for. */
export function meetHosts(some: readonly string[], others: readonly string[]): string[] {
  const both = some.flatMap((one) =>
    others.flatMap((other) => {
      const met = meet(parse(one), parse(other));
      return met === null ? [] : write(met);
    }),
  );
  return [...new Set(both)];
}

/** Of two such patterns one holds the other, or they have nothing in common. */
function meet(one: Pattern, other: Pattern): Pattern | null {
  const narrower = isNameWithin(one, other) ? one : isNameWithin(other, one) ? other : null;
  const ports = one.ports.filter((port) => other.ports.includes(port));
  return narrower === null || ports.length === 0 ? null : { ...narrower, ports };
}

function isNameWithin(one: Pattern, other: Pattern): boolean {
  if (one.name === other.name) return one.isWildcard === other.isWildcard;
  return other.isWildcard && one.name.endsWith(`.${other.name}`);
}

function parse(text: string): Pattern {
  const [name = '', port] = text.toLowerCase().split(':');
  const isWildcard = name.startsWith('*.');
  return {
    name: isWildcard ? name.slice(2) : name,
    isWildcard,
    ports: port === undefined ? DEFAULT_PORTS : [Number(port)],
  };
}

function write({ name, isWildcard, ports }: Pattern): string[] {
  const host = isWildcard ? `*.${name}` : name;
  return ports.length === DEFAULT_PORTS.length ? [host] : ports.map((port) => `${host}:${port}`);
}
