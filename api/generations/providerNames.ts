import type { ApiDependencies } from '../http/deps.ts';

type Deps = Pick<ApiDependencies, 'providers'>;

/** The names of the configured providers: what another one makes is not sold. */
export function providerNames({ providers }: Deps): string[] {
  return providers.all.map(({ name }) => name);
}

/** The same for a video, with how many each may have at once (MR-99). */
export function videoProviders(deps: Deps) {
  return { providers: providerNames(deps), videosAtOnce: deps.providers.all.map(({ videosAtOnce }) => videosAtOnce) };
}
