import type { ApiDependencies } from '../http/deps.ts';

/** The names of the configured providers: what another one makes is not sold. */
export function providerNames({ providers }: Pick<ApiDependencies, 'providers'>): string[] {
  return providers.all.map(({ name }) => name);
}
