import { BlockList, isIPv6 } from 'node:net';

const PRIVATE_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  // Between a provider and its customers; some clouds keep their metadata here.
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const;

/** Of the IPv6 addresses that are given out at all, those with an IPv4 address inside. */
const WRAPPED_IPV4 = [
  ['2001::', 32],
  ['2002::', 16],
] as const;

const NOT_PUBLIC = new BlockList();
for (const [network, bits] of PRIVATE_IPV4) NOT_PUBLIC.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of WRAPPED_IPV4) NOT_PUBLIC.addSubnet(network, bits, 'ipv6');

const GIVEN_OUT = new BlockList();
GIVEN_OUT.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address belongs to the internet: not to this machine, its link, its own network, nor to a group. */
export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return !NOT_PUBLIC.check(address, 'ipv4');
  return GIVEN_OUT.check(address, 'ipv6') && !NOT_PUBLIC.check(address, 'ipv6');
}
