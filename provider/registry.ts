import { createProvider, type ProviderSettings } from './client.ts';
import type { TakeTurn } from './turns.ts';
import type { Provider } from './types.ts';

/** The providers that are configured. A generation is bound to one of them for its life. */
export interface Providers<One = Provider> {
  /** The default one first. */
  readonly all: readonly [One, ...One[]];
  /** By the name in the settings; undefined when none is called so. */
  named(name: string): One | undefined;
  /** By what a generation is bound to; undefined when that provider is not configured, or not any more. */
  bound(identity: string | null): One | undefined;
}

type Settings = readonly [ProviderSettings, ...ProviderSettings[]];

/** A client for each; the first is the default one. Their names and identities differ, which the configuration checks. */
export function createProviders(
  settings: Settings,
  { takeTurn, wrap = (each) => each }: { takeTurn?: TakeTurn; wrap?: (provider: Provider) => Provider } = {},
): Providers {
  const [first, ...others] = settings;
  const create = (each: ProviderSettings) =>
    wrap(createProvider({ ...each, ...(takeTurn !== undefined && { takeTurn }) }));
  return providersOf([create(first), ...others.map(create)]);
}

export function providersOf<One extends Pick<Provider, 'name' | 'identity'>>(
  all: readonly [One, ...One[]],
): Providers<One> {
  return {
    all,
    named: (name) => all.find((provider) => provider.name === name),
    bound: (identity) => all.find((provider) => provider.identity === identity),
  };
}
