import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toTimeline } from '../../api/generations/timeline.ts';
import { toVideo } from '../../api/videos/videoObject.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { ledgerSteps } from '../harness/support/ledgerSteps.ts';
import { AUDIO, type Made, madeSteps, SOLD, TERMS } from '../harness/support/madeSteps.ts';

/** What was made is compared with what was sold (MR-75). */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { made, begun, look, balance, eventsOf, newTenant, tenant, sold, setPrice, setOffer } = madeSteps(() => db);
const { outlive } = ledgerSteps(() => db);

describe('a completed video', () => {
  it.each<[what: string, told: Made, asMade: number]>([
    ['as long as it was sold', { seconds: 8, size: '720x1280', hasAudio: true }, SOLD],
    ['shorter', { seconds: 4 }, 4 * 1500],
    ['shorter than any that is sold', { seconds: 1 }, 4 * 1500],
    ['shorter, and no whole number of seconds', { seconds: 5.3 }, 6 * 1500],
    ['shorter by all but a few frames', { seconds: 5.0625 }, 5 * 1500],
    ['longer', { seconds: 60 }, SOLD],
    ['smaller', { size: '320x640' }, 8 * 900],
    ['of a size that nobody sells', { size: '1x1' }, SOLD],
    ['silent', { hasAudio: false }, 8 * 1000],
    ['shorter, smaller and silent', { seconds: 4, size: '320x640', hasAudio: false }, 4 * 400],
    ['of no length', { seconds: 0 }, SOLD],
    ['of a length that is none', { seconds: NaN }, SOLD],
    ['of a length below zero', { seconds: -4 }, SOLD],
    ['of milliseconds', { seconds: 4_000_000 }, SOLD],
    ['of more seconds than there are numbers', { seconds: 1e15 }, SOLD],
    ['about which nothing is told', {}, SOLD],
  ])(
    '%s is charged as made, or as sold, as its offer says; the rest is returned in the same movement',
    async (_what, told, asMade) => {
      for (const [rule, charge] of [
        ['as_made', asMade],
        ['as_sold', SOLD],
      ] as const) {
        const { id } = await made(rule);
        await look(id, told);
        expect(await db.ledger.settleGeneration(id, 'completed')).toMatchObject({ result: 'settled' });
        expect(await balance()).toEqual({ charged: charge, held: 0 });
        // Again, and after another word of the provider.
        await look(id, { seconds: 8 });
        expect(await db.ledger.settleGeneration(id, 'completed')).toMatchObject({ result: 'settled' });
        expect(await balance()).toEqual({ charged: charge, held: 0 });
      }
    },
  );

  it.each([
    ['sound', 'generate_audio'],
    ['sound', 'generateAudio'],
    ['generate_audio', 'with_voice'],
  ])('that is silent is charged without its sound, which is sold as %s and sent as %s', async (name, sent_as) => {
    const { id } = await made('as_made', { parameters: [{ ...AUDIO, name, sent_as }] });
    expect(await look(id, { hasAudio: false })).toMatchObject({ differs: true });
    await db.ledger.settleGeneration(id, 'completed');
    expect(await balance()).toEqual({ charged: 8 * 1000, held: 0 });
  });

  it('of a size that its offer does not sell is charged as sold', async () => {
    const { id } = await made('as_made', { sizes: ['720x1280'] });
    await look(id, { size: '320x640' });
    await db.ledger.settleGeneration(id, 'completed');
    expect(await balance()).toEqual({ charged: SOLD, held: 0 });
  });

  it('of the size that was sold keeps the price of its sale, though an earlier price was committed later', async () => {
    await newTenant();
    const model = await sold({ ...TERMS, charge_rule: 'as_made' });
    const another = await db.admin.connect();
    await another.query('BEGIN');
    await another.query(`SELECT * FROM set_price($1, '720x1280', 1, 0, NULL, $2)`, [model, randomUUID()]);
    const id = await begun(model);
    await another.query('COMMIT');
    another.release();
    await look(id, { size: '720x1280' });
    await db.ledger.settleGeneration(id, 'completed');
    expect(await balance()).toEqual({ charged: SOLD, held: 0 });
  });

  it('is priced by the price book of the moment at which it was sold', async () => {
    const { id, model } = await made('as_made');
    await setPrice(model, { cost: 1 }, '320x640');
    await setPrice(model, { cost: 1 });
    await setOffer(model, { charge_rule: 'as_sold', lengths: [1] });
    await look(id, { seconds: 1, size: '320x640' });
    await db.ledger.settleGeneration(id, 'completed');
    expect(await balance()).toEqual({ charged: 4 * 900, held: 0 });
  });

  it('that is claimed is charged as made too', async () => {
    const { id } = await made('as_made');
    await outlive(id);
    await db.ledger.settleGeneration(id, 'expired');
    await look(id, { seconds: 4 });
    const claim = `video_${randomUUID().replaceAll('-', '')}`;
    const claimed = { generationId: claim, ...tenant(), claimOf: id, admitWithinMs: 60_000, idempotencyKey: null };
    expect(await db.ledger.claimGeneration({ ...claimed, fingerprint: Buffer.alloc(32) })).toMatchObject({
      outcome: 'admitted',
    });
    await db.ledger.placeHold(claim, 3600);
    await db.ledger.recordContent(claim, 'video', {
      ...{ state: 'archived', location: 'x', contentType: 'video/mp4', bytes: 1, sha256: Buffer.alloc(32) },
    });
    await db.ledger.settleGeneration(claim, 'completed');
    expect(await balance()).toEqual({ charged: 4 * 1500, held: 0 });
  });
});

describe('a difference', () => {
  it('is recorded and told once, by whichever rule', async () => {
    for (const rule of ['as_made', 'as_sold'] as const) {
      const { id } = await made(rule);
      expect(await look(id, { seconds: 4, size: '320x640', model: 'another', hasAudio: false })).toMatchObject({
        differs: true,
      });
      expect(await look(id, { seconds: 2 })).toMatchObject({ differs: false });
      expect(await eventsOf(id, 'made_otherwise')).toEqual([
        ...[
          {
            seconds: 8,
            made_seconds: 4,
            size: '720x1280',
            made_size: '320x640',
            made_model: 'another',
            made_audio: false,
          },
        ],
      ]);
    }
  });

  it('is none where the provider says nothing, or spells the model’s name in its own way', async () => {
    for (const told of [{}, { seconds: 8, size: '720x1280', model: 'openai/WAN2', hasAudio: true }]) {
      const { id } = await made('as_made', { provider_model: 'wan2' });
      expect(await look(id, told)).toMatchObject({ verdict: 'completed', differs: false });
      expect(await eventsOf(id, 'made_otherwise')).toEqual([]);
    }
  });

  it('stays as it was told, whoever asks', async () => {
    const { id } = await made('as_made');
    await look(id, { seconds: 4 });
    const change = db.admin.query('UPDATE generations SET made_seconds = 8 WHERE id = $1', [id]);
    await expect(change).rejects.toMatchObject({ code: 'HF004' });
  });

  // MR-97
  it('is told to the customer with both figures, in the video and in its timeline', async () => {
    const { id } = await made('as_made');
    await look(id, { seconds: 4 });
    await db.ledger.settleGeneration(id, 'completed');
    const generation = await db.ledger.getGeneration(tenant().accountId, id);
    if (generation === undefined) throw new Error('it is there');
    expect(toVideo(generation)).toMatchObject({
      seconds: '8',
      credits: {
        amount_microcredits: 6000,
        message:
          '0.006000 credits were charged: 4 of 8 seconds were made. The other 0.006000 of 0.012000 reserved credits were returned.',
      },
    });
    const words = toTimeline('video', await db.ledger.listEvents(tenant().accountId, id)).map(({ message }) => message);
    expect(words).toContain('The provider reports something else than was ordered: 4 seconds instead of 8');
    expect(words).toContain(
      '0.006000 of 0.012000 reserved credits charged: 4 of 8 seconds were made; the rest was returned',
    );
  });
});
