import { createProviders, type Providers } from '../../../provider/index.ts';

/** One provider of the settings, as these tests write them. */
export const settingsAt = (name: string, url: string, more: { apiKey?: string; previousUrls?: string[] } = {}) => ({
  ...{ name, baseUrl: `${url}/v1`, apiKey: 'key', createEncoding: 'multipart' as const },
  ...more,
});

type Settings = ReturnType<typeof settingsAt>;

/** Providers that a test changes while the processes run, as if all of them were started again with other settings. */
export function switchedProviders(): { configure: (...all: [Settings, ...Settings[]]) => Providers; now: Providers } {
  let current: Providers | undefined;
  const configured = () => {
    if (current === undefined) throw new Error('no provider is configured yet');
    return current;
  };
  const now: Providers = {
    get all() {
      return configured().all;
    },
    named: (name) => configured().named(name),
    bound: (identity) => configured().bound(identity),
  };
  return {
    configure: (...all) => {
      current = createProviders(all);
      return now;
    },
    now,
  };
}
