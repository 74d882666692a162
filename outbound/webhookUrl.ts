import { isIP } from 'node:net';
import { OPERATOR } from '../contracts/webhooks.ts';
import { isPublicAddress } from '../network/index.ts';

const LONGEST = 2000;

/** The host for a look-up: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Whose webhooks may go to private addresses and over plain HTTP. */
export type PrivateFor = 'nobody' | 'operator' | 'everybody';

/** Whether a webhook of this owner may go to a private address and over plain HTTP. */
export function mayBePrivate(owner: string, privateFor: PrivateFor): boolean {
  return privateFor === 'everybody' || (privateFor === 'operator' && owner === OPERATOR);
}

/**
 * What is wrong with a webhook's URL, in words; undefined when nothing can be seen without a look-up. The URL parser turns
 * every notation of an address (decimal, octal, hexadecimal) into the plain one. `allowPrivate` also allows plain HTTP and
 * any address.
 */
export function faultOfWebhookUrl(text: string, allowPrivate: boolean): string | undefined {
  if (text.length > LONGEST) return `must have at most ${LONGEST} characters`;
  if (!URL.canParse(text)) return 'must be a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) {
    return allowPrivate ? 'must begin with https:// or http://' : 'must begin with https://';
  }
  if (url.username !== '' || url.password !== '') return 'must not carry a user name or a password';
  if (url.hash !== '') return 'must not have a fragment';
  const host = hostOf(url);
  if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) return 'must lead to a public address';
  return undefined;
}
