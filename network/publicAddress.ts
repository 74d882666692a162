import ipaddr from 'ipaddr.js';

/** The allocated part of the IPv6 space (2000::/3). Everything outside maps an IPv4 address, is local or is unused. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Addresses for documentation (RFC 9637), which the package does not know yet. */
const DOCUMENTATION = ipaddr.IPv6.parseCIDR('3fff::/20');

/**
 * Whether an address belongs to the public internet: not loopback, private, shared, link-local, multicast or reserved, and
 * without an IPv4 address inside (mapped, NAT64, 6to4, Teredo). What is not an address is not public either.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || (parsed.match(GLOBAL_IPV6) && !parsed.match(DOCUMENTATION));
}
