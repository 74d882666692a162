import ipaddr from 'ipaddr.js';

/** What is in use of the IPv6 space (2000::/3): everything outside maps an IPv4 address, is local, or leads nowhere. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Of the rest, what the package does not know yet: addresses for documentation (RFC 9637). */
const DOCUMENTATION = ipaddr.IPv6.parseCIDR('3fff::/20');

/**
 * Whether an address is one of the public internet: no loopback, private, shared, link-local, multicast or reserved one, and
 * none that carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo). What is no address at all is not public either.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || (parsed.match(GLOBAL_IPV6) && !parsed.match(DOCUMENTATION));
}
