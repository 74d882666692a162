import { drawPrompt } from './prompts.ts';
import type { Random } from './random.ts';
import { MODELS, priceOf } from './sold.ts';
import type { Model } from './sold.ts';

/** Which tenant requests what, and when. Computed from the seed alone. */

/**
 * `keyed`: an Idempotency-Key, and tries until the answer is definite. `twins`: the same, from two places at once.
 * `otherBody`: keyed, and afterwards the same key with another body. `sdk`: OpenAI's SDK with its own retries, without a
 * key. `once`: no key, one try. `leaves`: hangs up before the answer and never comes back. `half`: hangs up in the middle of
 * its body. `badBody`: asks for what there is not.
 */
export type Manner = 'keyed' | 'twins' | 'otherBody' | 'sdk' | 'once' | 'leaves' | 'half' | 'badBody';

export interface PlannedRequest {
  readonly number: number;
  readonly at_ms: number;
  readonly manner: Manner;
  /** The tenant that sends it. */
  readonly tenant: number;
  readonly prompt: string;
  readonly model: Model;
  readonly seconds: '4' | '8';
  readonly multipart: boolean;
  readonly key: string;
  /** How long each of the first tries waits before it hangs up; later ones wait longer. */
  readonly patience_ms: readonly number[];
  readonly sdkRetries: number;
  readonly sdkTimeout_ms: number;
  /** When a cancel follows the acceptance; null: none does. */
  readonly cancelAfter_ms: number | null;
  /** Whether it claims the video should that be complete only after the refund. */
  readonly claims: boolean;
  /** For what is drawn on the way: which API process is asked, how long is waited. */
  readonly random: Random;
}

export interface PlannedTenant {
  readonly name: string;
  readonly granted: number;
  /** Grants that come while everything falls apart. */
  readonly later: readonly { readonly at_ms: number; readonly amount: number; readonly key: string }[];
}

/** Of the dearest 4 s video. */
const PRICE = Math.max(...MODELS.map((model) => priceOf(model, '4')));

const MANNERS: readonly (readonly [number, Manner])[] = [
  [38, 'keyed'],
  [9, 'twins'],
  [3, 'otherBody'],
  [20, 'sdk'],
  [16, 'once'],
  [8, 'leaves'],
  [3, 'half'],
  [3, 'badBody'],
];

const RICH_TENANTS = 4;

/** Some who can pay for everything, and a last one who cannot. */
export function planTenants(random: Random, requests: number, faults_ms: number): PlannedTenant[] {
  const later = (amount: number) => ({ at_ms: random.next() * faults_ms, amount, key: `later-${random.hex()}` });
  const rich = Array.from({ length: RICH_TENANTS }, (_, index) => ({
    name: `rich ${index + 1}`,
    granted: 2 * PRICE * requests,
    later: [later(random.whole(1, 5_000_000))],
  }));
  return [...rich, { name: 'poor', granted: 4 * PRICE, later: [later(PRICE), later(2 * PRICE)] }];
}

const WEIGHTS: readonly (readonly [number, Model])[] = [
  [2, 'sora-2'],
  [3, 'veo'],
  [3, 'wan'],
];

export function planRequests(random: Random, requests: number, faults_ms: number): PlannedRequest[] {
  const mayHide = random.chance(0.3);
  return Array.from({ length: requests }, (_, number): PlannedRequest => {
    const manner = random.weighted(MANNERS);
    return {
      number,
      // The last ones are under way when the faults end.
      at_ms: (faults_ms * 0.95 * (number + random.next())) / requests,
      manner,
      tenant: random.chance(0.12) ? RICH_TENANTS : random.whole(0, RICH_TENANTS - 1),
      prompt: drawPrompt(random, mayHide),
      model: random.weighted(WEIGHTS),
      seconds: random.chance(0.1) ? '8' : '4',
      multipart: random.chance(0.4),
      key: `key-${random.hex()}`,
      patience_ms: manner === 'leaves' || random.chance(0.3) ? impatient(random) : [],
      sdkRetries: random.whole(2, 6),
      sdkTimeout_ms: random.pick([6000, 12_000, 25_000]),
      cancelAfter_ms: random.chance(0.15) ? Math.floor(random.next() * 8000) : null,
      claims: random.chance(0.6),
      random: random.fork(`request ${number}`),
    };
  });
}

function impatient(random: Random): number[] {
  return Array.from({ length: random.whole(1, 3) }, () => random.whole(5, random.pick([60, 600, 4000])));
}
