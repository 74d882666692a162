import { wrongUse } from '../failure.ts';
import type { World } from '../world.ts';
import { readEndpoints } from './endpoints.ts';
import { DEFAULT_PROFILE, readProfile, requireProfile } from './profiles.ts';
import type { Source } from './source.ts';

/** Where the API is, and what it may be asked with. */
export interface Settings {
  /** Without a slash at its end and without `/v1`. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly adminKey: string | undefined;
}

/**
 * The first of these that names a URL is taken, and the first that has a key: `--url`, the profile of `--profile`, the
 * environment, `.holdfast/endpoints.json`, the profile `default`.
 */
export function readSettings(world: World, flags: { readonly url?: string; readonly profile?: string }): Settings {
  const { env } = world;
  return choose([
    { name: '--url', url: flags.url },
    ...(flags.profile === undefined ? [] : [requireProfile(world, flags.profile)]),
    {
      name: 'the environment',
      url: env['HOLDFAST_URL'] || undefined,
      apiKey: env['HOLDFAST_API_KEY'] || undefined,
      adminKey: env['HOLDFAST_ADMIN_KEY'] || undefined,
    },
    ...[readEndpoints(world), readProfile(world, DEFAULT_PROFILE)].filter((source) => source !== undefined),
  ]);
}

/** A key goes only to the API that its source names, if it names one: never to that of another source. */
function choose(sources: readonly Source[]): Settings {
  const named = sources.find(({ url }) => url !== undefined);
  if (named?.url === undefined) {
    throw wrongUse(
      'No API is known: run npm start in the clone, or set HOLDFAST_URL and HOLDFAST_API_KEY, or name a profile (--profile).',
    );
  }
  const { origin, pathname } = parsed(named.url, named.name);
  const usable = sources.filter(
    (source) => source.url === undefined || parsed(source.url, source.name).origin === origin,
  );
  return {
    url: `${origin}${pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}`,
    apiKey: usable.find(({ apiKey }) => apiKey !== undefined)?.apiKey,
    adminKey: usable.find(({ adminKey }) => adminKey !== undefined)?.adminKey,
  };
}

function parsed(url: string, name: string): URL {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return new URL(url);
  throw wrongUse(`The URL of ${name} is not one of http or https.`);
}
