import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { buildConnector } from 'undici';
import { connector } from './connector.ts';
import { proxyConnector } from './proxyConnector.ts';
import { isPublicAddress } from './publicAddress.ts';

export interface AddressRules {
  /** Which addresses are allowed; by default those of the public internet. */
  readonly isPublic?: (address: string) => boolean;
  /** All addresses of a host name; by default by DNS. */
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
}

/**
 * The host has no address, or one that is not public, or its name could not be looked up. One message for all, so that nobody learns
 * which internal names exist.
 */
export class NotPublic extends Error {
  constructor(readonly found: 'not public' | 'no such name' | 'no answer') {
    super('the host has no public address');
  }
}

/** An address of the host; every address of it was found public. Raises `NotPublic`. */
export async function checkedAddress(
  host: string,
  signal: AbortSignal,
  { resolve = resolveByDns, isPublic = isPublicAddress }: AddressRules = {},
): Promise<string> {
  const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host];
  const [first] = addresses;
  // A name without a dot is one of a private network, which another resolver may know.
  if (first === undefined) throw new NotPublic(host.includes('.') ? 'no such name' : 'not public');
  if (!addresses.every(isPublic)) throw new NotPublic('not public');
  return first;
}

/** Connects to this address whatever the name resolves to now. Certificates are still checked by the name. */
export function connectorTo(address: string | undefined): buildConnector.connector {
  const connect = connector({ maxCachedSessions: 0 });
  return (options, callback) => connect(address === undefined ? options : { ...options, hostname: address }, callback);
}

/**
 * Looks a host up once and connects to the very address that was checked, so a name that changes in between has no effect. A
 * proxy is told that address too: it would look the name up itself. Fails with `NotPublic`.
 */
export function publicConnector(
  timeoutMs: number,
  rules: AddressRules = {},
  proxyUrl?: string,
): buildConnector.connector {
  const connect = proxyConnector(proxyUrl, { timeout: timeoutMs, maxCachedSessions: 0 });
  return (options, callback) => {
    checkedAddress(options.hostname, AbortSignal.timeout(timeoutMs), rules).then(
      (hostname) => connect({ ...options, hostname }, callback),
      (error: unknown) => callback(error instanceof Error ? error : new NotPublic('no answer'), null),
    );
  };
}

/**
 * Asks DNS directly. The system's look-up would block one of the process's few threads for as long as a name server likes,
 * and one tenant's slow name server would delay everybody's look-ups (MR-92).
 */
async function resolveByDns(host: string, signal: AbortSignal): Promise<string[]> {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  signal.throwIfAborted();
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const isTold = (each: (typeof found)[number]) => each.status === 'fulfilled' || tellsOfNone(each.reason);
  if (addresses.length === 0 && !found.every(isTold)) throw new NotPublic('no answer');
  return addresses;
}

/** The name server answered: the name, or an address of this kind, does not exist. */
function tellsOfNone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOTFOUND', 'ENODATA'].includes(String(error.code));
}
