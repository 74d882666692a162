import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkClaims, checkEnds, checkRequests, checkSettlements, checkShown } from './checks.ts';
import type { Asked } from './clients.ts';
import type { Evidence, Happening, Made, Recorded } from './evidence.ts';
import { checkErrors } from './logs.ts';
import { checkAgainstProvider, checkUnprovenLists, checkVideos } from './providerChecks.ts';
import { Random } from './random.ts';
import { planRequests } from './requests.ts';
import type { ProviderName } from './plan.ts';
import { checkSales, soldMeanwhile } from './salesChecks.ts';
import type { Span } from './strikes.ts';
import { checkUpgrade } from './upgrade.ts';

/** That the chaos suite would notice: each check passes what is right, and names what is not. */

const happened = (kind: string, data: Happening['data'] = {}): Happening => ({ kind, data, at_ms: 0 });
const [drawn] = planRequests(new Random('checks'), 1, 1000);
const request = { ...drawn!, model: 'wan', seconds: '4' } as const;
const tenant = { name: 'a tenant', accountId: 'acct_1', key: 'key', granted: 0 };

/** As everything should be: one charged generation, its video at the provider. */
const charged: Recorded = {
  id: 'video_1',
  accountId: 'acct_1',
  prompt: request.prompt,
  claimOf: null,
  model: 'wan',
  soldFor: 'provider-2',
  provider: 'provider-2',
  amount: 200_000,
  charged: 200_000,
  state: 'charged',
  tooLate: true,
  reason: 'completed',
  code: null,
  video: 'made_1',
  hold: 'captured',
  expires_ms: 90_000,
  settled_ms: 5000,
  attempts: [{ number: 1, outcome: 'created' }],
  events: ['requested', 'held', 'attempt_begun', 'attempt_created']
    .map((kind) => happened(kind))
    .concat(happened('seen', { verdict: 'completed' }), happened('charged')),
};
const expired: Recorded = {
  ...charged,
  state: 'released',
  reason: 'expired',
  code: 'generation_timeout',
  hold: 'released',
  settled_ms: 90_001,
  events: [happened('held'), happened('seen', { verdict: 'open' }), happened('released')],
};
const made: Made = {
  ...{ id: 'made_1', provider: 'provider-2', model: 'wan2.2-t2v', prompt: request.prompt },
  created_ms: 0,
  ends_ms: 3000,
  completes: true,
};
const asked: Asked = {
  request: { ...request, manner: 'keyed' },
  tenant,
  known: { outcome: 'accepted', id: 'video_1' },
  ids: new Set(['video_1']),
  tries: [],
  seen: Promise.resolve({ shown: null, claim: null, complaints: [] }),
  complaints: [],
};

function evidence(generations: readonly Recorded[], videos: readonly Made[] = [made], received = 1): Evidence {
  const prompt = createHash('sha256').update(request.prompt).digest('hex');
  const creates = { 'provider-1': new Map<string, number>(), 'provider-2': new Map([[prompt, received]]) };
  return { generations, videos, creates, listsProve: new Set(['provider-1']), running: new Set() };
}

describe('the checks pass', () => {
  it.each([
    ['a charged generation', charged],
    ['an expired one', expired],
  ])('%s', (_what, generation) => {
    const all = evidence([generation]);
    expect(checkRequests([asked], all)).toEqual([]);
    expect(checkEnds(all)).toEqual([]);
    expect(checkSettlements(all)).toEqual([]);
    expect(checkAgainstProvider(all)).toEqual([]);
    expect(checkVideos(all)).toEqual({ records: { owned: 1, orphans: 0, open: 0, notFound: 0 }, violations: [] });
  });

  it.each([
    ['open', null, { owned: 0, orphans: 0, open: 1, notFound: 0 }],
    ['not found', 'not_found', { owned: 0, orphans: 0, open: 0, notFound: 1 }],
  ] as const)('a video whose attempt is %s', (_what, outcome, records) => {
    const all = evidence([{ ...expired, video: null, attempts: [{ number: 1, outcome }] }]);
    expect(checkVideos(all)).toEqual({ records, violations: [] });
  });
});

describe('a request that', () => {
  const second: Recorded = { ...charged, id: 'video_2', video: 'made_2' };
  const refused = { outcome: 'refused', status: 402, code: 'insufficient_credits' } as const;
  it.each<[string, Partial<Asked>, Recorded[], RegExp]>([
    ['has two generations', {}, [charged, second], /has 2 generations that held credits: video_1, video_2/],
    ['was accepted without a hold', {}, [{ ...charged, state: 'voided', hold: null }], /which never held anything/],
    ['was told of two', { ids: new Set(['video_1', 'video_3']) }, [charged], /was told of video_3/],
    ['was refused and held', { known: refused, ids: new Set() }, [charged], /refused with 402, but video_1 held/],
    ['was answered 503 and held', { known: { outcome: 'unavailable' } }, [charged], /told that nothing is held/],
    ['was refused for no reason', { known: { ...refused, status: 404 } }, [], /refused with 404/],
    ['holds another price', {}, [{ ...charged, amount: 200_001 }], /holds 200001 for wan, not 200000/],
    ['is in another account', {}, [{ ...charged, accountId: 'acct_2' }], /another tenant's/],
  ])('%s is named', (_what, change, generations, words) => {
    expect(checkRequests([{ ...asked, ...change }], evidence(generations)).join('\n')).toMatch(words);
  });

  it('is erased may never have held credits, nor begun a create', () => {
    const erased: Recorded = { ...charged, prompt: null, state: 'voided', hold: null, video: null, attempts: [] };
    const records = { owned: 0, orphans: 0, open: 0, notFound: 0 };
    expect(checkRequests([], evidence([erased], []))).toEqual([]);
    expect(checkVideos(evidence([erased], []))).toEqual({ records, violations: [] });
    const held: Recorded = { ...erased, hold: 'captured', attempts: [{ number: 1, outcome: 'created' }] };
    expect(checkRequests([], evidence([held], []))).toEqual([expect.stringMatching(/held credits/)]);
    expect(checkVideos(evidence([held], [])).violations).toEqual([expect.stringMatching(/1 creates were begun/)]);
  });

  it('nobody made is named', () => {
    expect(checkRequests([], evidence([charged]))).toEqual([expect.stringMatching(/asked for by nobody/)]);
  });
});

describe('a generation that', () => {
  const without = (kind: string) => charged.events.filter((event) => event.kind !== kind);
  it.each<[string, Recorded, RegExp]>([
    ['is charged unseen', { ...charged, events: without('seen') }, /completed was not seen/],
    ['is charged before it was seen', { ...charged, events: charged.events.toReversed() }, /completed was not seen/],
    [
      'is released although it was seen',
      { ...expired, events: [charged.events[4]!, happened('released')] },
      /seen before/,
    ],
    [
      'is settled twice',
      { ...charged, events: [...charged.events, happened('released')] },
      /settled charged, released/,
    ],
    ['expired too early', { ...expired, settled_ms: 89_000 }, /time was not over/],
    ['failed unseen', { ...expired, reason: 'provider_failed' }, /failed was not seen/],
    ['was cancelled after a create', { ...expired, reason: 'cancelled' }, /nobody cancelled/],
    ['was given up with a video', { ...expired, reason: 'provider_unavailable' }, /may have been made/],
    ['is charged otherwise than it was sold', { ...charged, charged: 199_999 }, /199999 of 200000 was charged/],
    ['ended in an emergency', { ...expired, reason: 'emergency' }, /no place here/],
    ['has its hold still', { ...charged, hold: 'active' }, /its hold is active/],
  ])('%s is named', (_what, generation, words) => {
    expect(checkSettlements(evidence([generation])).join('\n')).toMatch(words);
  });

  it.each<[string, Recorded, Partial<Made> | null, RegExp]>([
    ['is charged for a failed video', charged, { completes: false }, /does not complete/],
    ['is charged before the end', charged, { ends_ms: 6000 }, /not ended by then/],
    ['is charged for nothing', charged, null, /another request|no video/],
    ['is charged for what another provider made', charged, { provider: 'provider-1' }, /made by provider-1/],
    ['is charged for another model', charged, { model: 'veo-3.1' }, /made as veo-3.1, not wan2.2-t2v/],
    ["is charged for another's video", charged, { prompt: 'other' }, /another request/],
    ['is released as failed, and completes', { ...expired, reason: 'provider_failed' }, {}, /it completes/],
  ])('%s at the provider is named', (_what, generation, change, words) => {
    const videos = change === null ? [] : [{ ...made, ...change }];
    expect(checkAgainstProvider(evidence([generation], videos)).join('\n')).toMatch(words);
  });

  it('is open, or whose workflow is, is named', () => {
    const all = { ...evidence([{ ...charged, state: 'held' as const }]), running: new Set(['video_1']) };
    expect(checkEnds(all)).toHaveLength(2);
  });

  it('ended otherwise than was shown is named', () => {
    const shown = { shown: 'refunded', claim: null, complaints: [] } as const;
    expect(checkShown([asked], [shown], evidence([charged]))).toEqual([
      'video_1 was shown as refunded, and is charged',
    ]);
  });

  it('claims what is no late video, or a second time, is named', () => {
    const claims = ['claim_1', 'claim_2'].map((id) => ({ ...charged, id, claimOf: 'video_1' }));
    expect(checkClaims([], evidence([expired, ...claims])).join('\n')).toMatch(/paid for twice[^]*is no late video/);
  });
});

describe('sales', () => {
  const told = (providerTrouble: 'down' | 'removed' | null, at_ms: number): Asked => ({
    ...asked,
    tries: [{ answer: '', providerTrouble, at_ms }],
  });
  const outageOf = (provider: ProviderName): Span => ({ provider, kind: 'outage', from_ms: 0, to_ms: 40_000 });

  it('of a provider may stop while it is struck, and for a moment after', () => {
    const short = { ...outageOf('provider-2'), to_ms: 20_000 };
    expect(checkSales([told('down', 1000), told('down', 60_000)], [short])).toEqual([]);
  });

  it('of a provider that nothing struck go on while the other one is down', () => {
    const outage = [outageOf('provider-1')];
    expect(checkSales([told(null, 1000)], outage)).toEqual([]);
    expect(soldMeanwhile([told(null, 1000), told(null, 50_000)], outage)).toEqual(new Map([['provider-2', 1]]));
    expect(checkSales([told(null, 1000), told('down', 2000)], outage)).toEqual([
      expect.stringMatching(/was told that provider-2 is down, which nothing had struck/),
    ]);
    expect(checkSales([], outage)).toEqual(['nothing of provider-2 was sold while provider-1 was down']);
  });
});

describe('an upgrade', () => {
  it('after which a version has settled nothing is named, and so is an answer 500', () => {
    const settled = (count: number) => new Map(Object.entries({ 'this version': 3, 'the next version': count }));
    expect([checkUpgrade(new Map()), checkUpgrade(settled(1))]).toEqual([[], []]);
    expect(checkUpgrade(settled(0))).toEqual(['no generation of the next version was settled']);
    const logged = ['worker: a worker ended', 'api: a request failed (TypeError)'].map((line) => [line, 1] as const);
    expect(checkErrors(new Map(logged))).toEqual(['a client was answered 500: api: a request failed (TypeError)']);
  });
});

describe('a video at the provider', () => {
  it('to which none of its creates was sent is named', () => {
    const elsewhere = { ...made, id: 'made_2', provider: 'provider-1' } as const;
    const twice = { ...charged, attempts: [...charged.attempts, { number: 2, outcome: null }] };
    expect(checkVideos(evidence([twice], [made, elsewhere])).violations).toEqual([
      expect.stringMatching(/made_2 of provider-1 was made for what no create there was begun/),
    ]);
  });

  it('of an order that has another one there, where the list proves nothing, is named', () => {
    const lost = { ...charged, attempts: [{ number: 1, outcome: 'not_found' as const }, ...charged.attempts] };
    const again = evidence([lost], [made, { ...made, id: 'made_2' }]);
    expect(checkUnprovenLists(evidence([charged]))).toEqual([]);
    expect(checkUnprovenLists({ ...again, listsProve: new Set(['provider-2']) })).toEqual([]);
    expect(checkUnprovenLists(again)).toEqual([
      'video_1 was taken for not made because provider-2 does not list it',
      'video_1 was made 2 times, by provider-2',
    ]);
  });

  it('without a record is named, also beside one that is owned', () => {
    const all = evidence([charged], [made, { ...made, id: 'made_2' }]);
    expect(checkVideos(all).violations).toEqual([expect.stringMatching(/made_2 at provider-2 has no record/)]);
  });

  it('whose create was not committed before is named', () => {
    expect(checkVideos(evidence([charged], [made], 2)).violations).toEqual([
      expect.stringMatching(/received 2 creates/),
    ]);
  });
});
