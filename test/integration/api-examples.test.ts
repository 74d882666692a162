import { beforeAll, describe, expect, it } from 'vitest';
import { LedgerUnavailable } from '../../store/index.ts';
import { post, send } from '../harness/support/fakedApi.ts';

/** The errors that /openapi.json shows are those that the code sends, word for word. */

const VIDEO = '/v1/videos/video_019a0000000070008000000000000000';
const PRICE = 571_429;

const answering = (value: unknown) => () => Promise.resolve(value);
const admission = (outcome: string) => ({
  ledger: { admitGeneration: answering({ outcome, amountMicrocredits: PRICE }) },
});
const readingRaises = (error: Error) => ({ store: { getGeneration: () => Promise.reject(error) } });

function largeFile(): FormData {
  const form = new FormData();
  form.set('prompt', 'a fox');
  form.set('input_reference', new File([new Uint8Array(11 * 1024 * 1024)], 'a.png'));
  return form;
}

/** A request that is answered with each status. */
const REQUESTS: Record<number, () => ReturnType<typeof send>> = {
  400: () => {
    const rule = { values: [4, 8, 12, 16, 20] };
    const answer = { param: 'seconds', fault: 'no_value', rule };
    const ledger = { admitGeneration: answering({ outcome: 'refused', answer }) };
    return send('/v1/videos', post({ prompt: 'a fox', seconds: '5' }), { ledger });
  },
  401: () => send('/v1/credits', { headers: { authorization: 'Bearer unknown' } }),
  402: () => send('/v1/videos', post({ prompt: 'a fox' }), admission('insufficient_credits')),
  403: () => send('/v1/videos', post({ prompt: 'a fox' }), admission('account_frozen')),
  404: () => send(VIDEO, {}, { store: { getGeneration: answering(undefined) } }),
  409: () => {
    const held = { id: 'video', accountId: 'acct', apiKeyId: 'another', state: 'held', isKnown: true };
    return send(VIDEO, { method: 'DELETE' }, { store: { getGeneration: answering(held) } });
  },
  413: () => send('/v1/videos', { method: 'POST', body: largeFile() }),
  415: () => send('/v1/videos', { method: 'POST', body: 'a fox', headers: { 'content-type': 'text/plain' } }),
  422: () =>
    send('/v1/videos', post({ prompt: 'a fox' }, { 'idempotency-key': 'k' }), {
      ledger: { findRepeat: answering({ outcome: 'reused' }) },
    }),
  429: () => send('/v1/videos', post({ prompt: 'a fox' }), admission('too_many_active_generations')),
  500: () =>
    send(
      VIDEO,
      { headers: { 'x-request-id': '019a0000-0000-7000-8000-000000000000' } },
      readingRaises(new Error('a bug')),
    ),
  503: () => send(VIDEO, {}, readingRaises(new LedgerUnavailable(new Error('no database')))),
};

interface Operation {
  responses: Record<string, { content?: Record<string, { example?: unknown }> }>;
}

/** The distinct examples of errors in the document, by status. */
let examples: ReadonlyMap<number, ReadonlySet<string>>;
beforeAll(async () => {
  const { body } = await send('/openapi.json', {});
  const { paths } = body as { paths: Record<string, Record<string, Operation>> };
  const found = new Map<number, Set<string>>();
  for (const { responses } of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [status, { content }] of Object.entries(responses)) {
      const example = content?.['application/json']?.example;
      if (Number(status) < 400 || example === undefined) continue;
      found.set(Number(status), (found.get(Number(status)) ?? new Set()).add(JSON.stringify(example)));
    }
  }
  examples = found;
});

describe('the examples of errors in /openapi.json', () => {
  it('are of statuses for which a request here proves them', () => {
    expect([...examples.keys()].sort()).toEqual(Object.keys(REQUESTS).map(Number));
  });

  it.each(Object.entries(REQUESTS))('quote what the code sends with a %s', async (status, request) => {
    const sent = await request();
    expect(sent.status).toBe(Number(status));
    expect([...(examples.get(Number(status)) ?? [])].map((example) => JSON.parse(example) as unknown)).toEqual([
      sent.body,
    ]);
  });
});
