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

/** The host has no address, or one that is not public. One error for both, so that nobody learns which internal names exist. */
export class NotPublic extends Error {
  constructor() {
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
  if (first === undefined || !addresses.every(isPublic)) throw new NotPublic();
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
      (error: unknown) => callback(error instanceof Error ? error : new NotPublic(), null),
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
  const found = await Promise.all([
    resolver.resolve4(host).catch(() => [] as string[]),
    resolver.resolve6(host).catch(() => [] as string[]),
  ]);
  return found.flat();
}
