import { z } from 'zod';

export { isHeaderText } from '../provider/headerText.ts';

/** Values that settings are made of, in the environment and in the providers' file alike. */

export const isUrlOf = (protocol: RegExp) => (text: string) =>
  URL.canParse(text) && protocol.test(new URL(text).protocol);

function hasNoCredentials(url: string): boolean {
  const { username, password } = new URL(url);
  return username === '' && password === '';
}

const isBare = (url: string) => !/[?#]/.test(url);
const isNoRoute = (url: string) => !/\/videos(\/|$)/.test(new URL(url).pathname);

/** The base URL of a server that speaks OpenAI's formats. A route, a query or a fragment in it would turn every call into a 404. */
export function baseUrl(missing: string) {
  return z
    .string(missing)
    .refine(isUrlOf(/^https?:$/), { error: 'must be an http:// or https:// URL', abort: true })
    .refine(hasNoCredentials, 'must not contain a user name or a password: the key has a setting of its own')
    .refine(isBare, 'must have no ? and no #')
    .refine(isNoRoute, 'must end before /videos, usually with /v1');
}

export const HEADER_TEXT = 'must be at most 4096 letters, digits and signs, without a space or a line break';

/** Hosts, each as `host` or `host:port`, written as in a URL. */
export const hostList = z
  .array(z.string().transform((host) => host.trim().toLowerCase()))
  .refine((list) => list.every(isHost), { error: 'must be hosts, each as host or host:port' });

function isHost(text: string): boolean {
  return ['http', 'https'].some(
    (protocol) => URL.canParse(`${protocol}://${text}/`) && new URL(`${protocol}://${text}/`).host === text,
  );
}

export function oneOf<const Name extends string>(names: readonly [Name, ...Name[]]) {
  return z.enum(names, `must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`);
}
