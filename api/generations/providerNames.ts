import type { ApiDependencies } from '../http/deps.ts';

/** The names of the configured providers: what another one makes is not sold. */
export function providerNames({ provider }: Pick<ApiDependencies, 'provider'>): string[] {
  return [provider.name.slice(0, provider.name.indexOf('@'))];
}
