import type { ProviderName } from './plan.ts';

/** What is sold, by whom it is made, and under which name there. */

export interface Sold {
  /** Null: no provider is named, so the default one makes it. */
  readonly provider: ProviderName | null;
  readonly providerModel: string;
  /** Of a second, in microcredits; a video's price is rounded up. */
  readonly costPerSecond: number;
  readonly marginBasisPoints: number;
}

export const SOLD = {
  'sora-2': { provider: null, providerModel: 'sora-2', costPerSecond: 100_000, marginBasisPoints: 3000 },
  veo: { provider: 'provider-1', providerModel: 'veo-3.1', costPerSecond: 90_000, marginBasisPoints: 2000 },
  wan: { provider: 'provider-2', providerModel: 'wan2.2-t2v', costPerSecond: 50_000, marginBasisPoints: 0 },
} as const satisfies Record<string, Sold>;

export type Model = keyof typeof SOLD;
export const MODELS = Object.keys(SOLD) as Model[];
export const SIZE = '720x1280';

/** Reckoned here once more, not by the ledger: what a video must be charged. */
export function priceOf(model: Model, seconds: string): number {
  const { costPerSecond, marginBasisPoints } = SOLD[model];
  return Math.ceil((costPerSecond * Number(seconds) * 10_000) / (10_000 - marginBasisPoints));
}
