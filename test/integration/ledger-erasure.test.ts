import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textId, videoId } from '../../contracts/ids.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { admissionRequest, createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';
import { tablesWith } from '../harness/support/erasure.ts';
import { BLOCKED, FINISHED, OPEN, PROVIDER } from '../harness/support/ledgerSteps.ts';
import { runBehind } from '../harness/support/runBehind.ts';

/** What was asked for is kept for what can still be made by it, and for nothing else. */

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

const ROLES = ['first_frame', 'last_frame'] as const;
const imageOf = (text: string) => ({ bytes: Buffer.from(text), contentType: 'image/png', filename: 'a.png' });

const asked = (tenant: Tenant, prompt = 'a red fox') => ({
  ...admissionRequest(tenant, {}, prompt),
  labels: { user: prompt, metadata: { [prompt]: prompt } },
  images: ROLES.map((role) => ({ role, ...imageOf(`the ${role} of ${prompt}`) })),
  idempotencyKey: 'key',
});
type Asked = ReturnType<typeof asked>;

/** 10 of the input and 10 of the output: 29 microcredits are held for it. */
const askedText = (tenant: Tenant, topic = 'a red fox') => ({
  ...tenant,
  generationId: textId('script', randomUUID()),
  model: 'gpt-4.1-mini',
  request: { kind: 'script', topic },
  labels: { user: topic, metadata: { [topic]: topic } },
  inputBoundTokens: 10,
  maxOutputTokens: 10,
  admitWithinMs: 60_000,
  fingerprint: createHash('sha256').update(topic).digest(),
  idempotencyKey: null,
});
const requestsOf = async (texts: readonly { generationId: string }[]) => {
  const ids = texts.map(({ generationId }) => generationId);
  return (await db.admin.query('SELECT FROM text_requests WHERE generation_id = ANY($1)', [ids])).rowCount;
};

const inputsOf = async (ids: readonly string[]) =>
  (await db.admin.query('SELECT FROM inputs WHERE generation_id = ANY($1)', [ids])).rowCount;

/** How many of these have labels. */
const labelledOf = async (texts: readonly { generationId: string }[]) => {
  const ids = texts.map(({ generationId }) => generationId);
  const sql = 'SELECT DISTINCT generation_id FROM generation_labels WHERE generation_id = ANY($1)';
  return (await db.admin.query(sql, [ids])).rowCount;
};

// MR-95
describe('nothing large is kept of a request', () => {
  it.each([
    ['that costs more than its client wants', { max: PRICE - 1 }, 'exceeds_max_credits'],
    ['of a frozen account', { account: 'frozen_at = now()' }, 'account_frozen'],
    ['that cannot be paid', { account: 'available_microcredits = 1' }, 'insufficient_credits'],
    ['beyond the cap', { account: 'max_active_generations = 0' }, 'too_many_active_generations'],
    ['beyond the limit of a day', { key: { dailyLimitMicrocredits: PRICE - 1 } }, 'key_spend_limit'],
    ['beyond the limit of a month', { key: { monthlyLimitMicrocredits: PRICE - 1 } }, 'key_spend_limit'],
  ] as [string, { max?: number; account?: string; key?: object }, string][])(
    '%s',
    async (_what, { max = null, account, key }, outcome) => {
      const tenant = await openTenant(db, PRICE, key);
      const client = await db.admin.connect();
      try {
        // Put back at the end, so that the books agree.
        await client.query('BEGIN');
        if (account !== undefined) {
          await client.query(`UPDATE accounts SET ${account} WHERE id = $1`, [tenant.accountId]);
        }
        const { generationId, images, ...rest } = asked(tenant);
        const { rows } = await client.query<{ outcome: string }>(
          'SELECT outcome FROM admit_generation($1, $2, $3, $4, $5, $6, NULL, $7, $8, $9, $10, $11, 60000, $12, NULL, NULL, $7)',
          [
            ...[generationId, tenant.accountId, tenant.apiKeyId, rest.model, rest.seconds, rest.size, rest.prompt],
            ...[
              images.map(({ bytes }) => bytes),
              images.map(({ contentType }) => contentType),
              ROLES,
              max,
              rest.fingerprint,
            ],
          ],
        );
        expect(rows).toEqual([{ outcome }]);
        for (const table of ['inputs', 'generation_labels']) {
          const kept = await client.query(`SELECT FROM ${table} WHERE generation_id = $1`, [generationId]);
          expect([table, kept.rowCount]).toEqual([table, 0]);
        }
      } finally {
        await client.query('ROLLBACK');
        client.release();
      }
    },
  );

  it('that is refused by its limit under a key stays refused, and says so again', async () => {
    const tenant = await openTenant(db, PRICE, { dailyLimitMicrocredits: PRICE - 1 });
    const first = asked(tenant);
    expect(await db.ledger.admitGeneration(first)).toEqual({ outcome: 'key_spend_limit', amountMicrocredits: PRICE });
    expect(await db.ledger.admitGeneration(asked(tenant))).toMatchObject({
      outcome: 'replay',
      status: 402,
      generationId: first.generationId,
    });
    expect(await db.ledger.voidGeneration(first.generationId)).toMatchObject({ refusalCode: 'key_spend_limit' });
  });

  it('that was admitted, and was refused by its hold or given up', async () => {
    const tenant = await openTenant(db, PRICE);
    const [held, refused, given, late] = [1, 2, 3, 4].map(() => ({ ...asked(tenant), idempotencyKey: null }));
    for (const one of [held, refused, given]) await db.ledger.admitGeneration(one!);
    await db.ledger.admitGeneration({ ...late!, admitWithinMs: -1000 });
    expect(await db.ledger.placeHold(held!.generationId, 3600)).toMatchObject({ outcome: 'held' });
    expect(await db.ledger.placeHold(refused!.generationId, 3600)).toMatchObject({ code: 'insufficient_credits' });
    expect(await db.ledger.voidGeneration(given!.generationId)).toMatchObject({ state: 'voided' });
    expect(await db.ledger.voidLateRequests(10)).toBe(1);
    expect(await inputsOf([refused!, given!, late!].map(({ generationId }) => generationId))).toBe(0);
    expect(await inputsOf([held!.generationId])).toBe(1);
    expect([await labelledOf([refused!, given!, late!]), await labelledOf([held!])]).toEqual([0, 1]);
  });

  it('of a text: refused at admission, refused by its hold, or given up', async () => {
    const poor = await openTenant(db, 5);
    const tenant = await openTenant(db, 30);
    const [unpayable, held, refused, given, late] = [poor, tenant, tenant, tenant, tenant].map((each) =>
      askedText(each),
    );
    expect(await db.ledger.admitText(unpayable!)).toMatchObject({ outcome: 'insufficient_credits' });
    for (const one of [held, refused, given]) await db.ledger.admitText(one!);
    await db.ledger.admitText({ ...late!, admitWithinMs: -1000 });
    expect(await requestsOf([held!, refused!, given!, late!])).toBe(4);
    expect(await db.ledger.placeHold(held!.generationId, 3600)).toMatchObject({ outcome: 'held' });
    expect(await db.ledger.placeHold(refused!.generationId, 3600)).toMatchObject({ code: 'insufficient_credits' });
    expect(await db.ledger.voidGeneration(given!.generationId)).toMatchObject({ state: 'voided' });
    expect(await db.ledger.voidLateRequests(10)).toBe(1);
    expect(await requestsOf([unpayable!, refused!, given!, late!])).toBe(0);
    expect(await requestsOf([held!])).toBe(1);
    expect([await labelledOf([unpayable!, refused!, given!, late!]), await labelledOf([held!])]).toEqual([0, 1]);
  });
});

describe('the images that were sent with a request', () => {
  const fileOf = async (id: string) =>
    (
      await db.admin.query<{ bytes: number }>(
        'SELECT (SELECT COALESCE(sum(octet_length(image)), 0)::integer FROM unnest(images) AS image) AS bytes FROM inputs WHERE generation_id = $1',
        [id],
      )
    ).rows;
  const endings: Record<string, (request: Asked & { video: string }) => Promise<unknown>> = {
    'was charged': async ({ generationId, video }) => {
      await db.ledger.recordLook(generationId, video, FINISHED);
      return db.ledger.settleGeneration(generationId, 'completed');
    },
    'was refused by the provider': async ({ generationId, video }) => {
      await db.ledger.recordLook(generationId, video, BLOCKED);
      return db.ledger.settleGeneration(generationId, 'provider_failed');
    },
    'was released at its end': async ({ generationId }) => {
      await outlive(generationId);
      return db.ledger.settleGeneration(generationId, 'expired');
    },
  };
  it.each(Object.entries(endings))('are kept until their request %s, and no longer', async (_what, end) => {
    const request = await made('a blue fox');
    const { generationId, images } = request;
    const bytes = images.reduce((sum, image) => sum + image.bytes.length, 0);
    expect(await fileOf(generationId)).toEqual([{ bytes }]);
    expect(await end(request)).toMatchObject({ result: 'settled' });
    expect(await fileOf(generationId)).toEqual([{ bytes: 0 }]);
  });

  it('that are not kept any more still forbid to take another video for the one that was made with them', async () => {
    const { generationId } = await begun(`a fox ${randomUUID()}`);
    await outlive(generationId);
    await db.ledger.settleGeneration(generationId, 'expired');
    expect(await db.ledger.getOpenAttempt(generationId)).toMatchObject({ hasReference: true });
    const found = { videos: [{ id: randomUUID(), createdAt: null }], exact: true };
    expect(await db.ledger.adoptVideo(generationId, 1, found)).toEqual({ outcome: 'rival', providerVideoId: null });
  });
});

/** Held, with an answer kept for its key that quotes the prompt, and a create begun. */
async function begun(prompt: string): Promise<Asked> {
  const tenant = await openTenant(db, 5 * PRICE);
  const request = asked(tenant, prompt);
  await db.ledger.admitGeneration(request);
  await db.ledger.placeHold(request.generationId, 3600);
  await db.ledger.keepAnswer(tenant.accountId, 'key', { status: 200, body: { prompt } }, request.generationId);
  await db.ledger.beginAttempt(request.generationId, [PROVIDER]);
  return request;
}

async function made(prompt: string): Promise<Asked & { video: string }> {
  const request = await begun(prompt);
  const video = `at_provider_${request.generationId}`;
  const answer = { outcome: 'created', providerVideoId: video, providerCreatedAt: null } as const;
  await db.ledger.endAttempt(request.generationId, 1, answer);
  return { ...request, video };
}

// MR-96
describe('what its owner deletes', () => {
  const words = () => `words ${randomUUID()}`;

  const endings: Record<string, (prompt: string) => Promise<Asked>> = {
    'a video': async (prompt) => {
      const request = await made(prompt);
      await db.ledger.recordLook(request.generationId, request.video, FINISHED);
      await db.ledger.settleGeneration(request.generationId, 'completed');
      return request;
    },
    'a video that failed, in words that quote the prompt': async (prompt) => {
      const request = await made(prompt);
      const look = { ...BLOCKED, errorMessage: `Not allowed: ${prompt}` };
      await db.ledger.recordLook(request.generationId, request.video, look);
      await db.ledger.settleGeneration(request.generationId, 'provider_failed');
      return request;
    },
    'a video that was refused, in words that quote the prompt': async (prompt) => {
      const request = await begun(prompt);
      const refusal = { outcome: 'refused', code: 'invalid_request', message: `No: ${prompt}` } as const;
      await db.ledger.endAttempt(request.generationId, 1, refusal);
      await db.ledger.settleGeneration(request.generationId, 'submission_refused');
      return request;
    },
  };

  it.each(Object.entries(endings))(
    '%s: is nowhere in the database any more, and the books stay',
    async (_what, end) => {
      const prompt = words();
      const { accountId, generationId } = await end(prompt);
      expect(await tablesWith(db.admin, prompt)).toEqual(
        expect.arrayContaining(['generation_labels', 'idempotency_keys', 'inputs']),
      );
      const books = async () => [
        await db.ledger.getBalance(accountId),
        (await db.admin.query('SELECT * FROM journal_transactions WHERE account_id = $1', [accountId])).rows,
      ];
      const before = await books();
      expect(await db.ledger.deleteGeneration(accountId, generationId)).toBe(true);
      expect(await tablesWith(db.admin, prompt)).toEqual([]);
      expect(await books()).toEqual(before);
    },
  );

  const written = async (prompt: string, output: string) => {
    const tenant = await openTenant(db, 5 * PRICE);
    const request = askedText(tenant, prompt);
    const { generationId } = request;
    await db.ledger.admitText(request);
    await db.ledger.placeHold(generationId, 3600);
    await db.ledger.beginText(generationId, [PROVIDER], 0);
    await db.ledger.endText(generationId, 1, { output, finishReason: 'stop', usage: null });
    await db.ledger.settleGeneration(generationId, 'completed');
    return request;
  };

  it('a text: what was asked for and what was written', async () => {
    const [prompt, output] = [words(), words()];
    const { accountId, generationId } = await written(prompt, output);
    expect(await tablesWith(db.admin, prompt)).toEqual(['generation_labels', 'text_requests']);
    await db.ledger.deleteGeneration(accountId, generationId);
    expect([await tablesWith(db.admin, prompt), await tablesWith(db.admin, output)]).toEqual([[], []]);
  });

  it('is not paid for again by a repeat under its key, which is known still', async () => {
    const first = await endings['a video']!('a red fox');
    await db.ledger.deleteGeneration(first.accountId, first.generationId);
    const { availableMicrocredits } = await db.ledger.getBalance(first.accountId);
    const again = { ...first, generationId: videoId(randomUUID()) };
    expect(await db.ledger.admitGeneration(again)).toMatchObject({
      outcome: 'replay',
      generationId: first.generationId,
      status: 200,
      answer: null,
    });
    const another = createHash('sha256').update('another').digest();
    expect(await db.ledger.admitGeneration({ ...again, fingerprint: another })).toEqual({ outcome: 'reused' });
    expect(await db.ledger.getBalance(first.accountId)).toMatchObject({ availableMicrocredits });
  });

  it('does not come back by an answer that is kept at the same moment, or later', async () => {
    const prompt = words();
    const { accountId, generationId, video, ...request } = await made(prompt);
    await db.ledger.recordLook(generationId, video, FINISHED);
    await db.ledger.settleGeneration(generationId, 'completed');
    await db.admin.query('UPDATE idempotency_keys SET answer = NULL WHERE generation_id = $1', [generationId]);
    const keep = () => db.ledger.keepAnswer(accountId, 'key', { status: 200, body: { prompt } }, generationId);
    const deletion = { sql: 'SELECT delete_generation($1, $2)', values: [generationId, accountId] };
    await runBehind(db, deletion, keep);
    await keep();
    expect(request.idempotencyKey).toBe('key');
    expect(await tablesWith(db.admin, prompt)).toEqual([]);
  });

  it('does not come back in the late words of the provider', async () => {
    const prompt = words();
    const [seen, unknown] = [await made(prompt), await begun(prompt)];
    await db.ledger.recordLook(seen.generationId, seen.video, OPEN);
    for (const { generationId, accountId } of [seen, unknown]) {
      await outlive(generationId);
      expect(await db.ledger.settleGeneration(generationId, 'expired')).toMatchObject({ result: 'settled' });
      await db.ledger.deleteGeneration(accountId, generationId);
    }
    await db.ledger.recordLook(seen.generationId, seen.video, { ...BLOCKED, errorMessage: prompt });
    await db.ledger.endAttempt(unknown.generationId, 1, { outcome: 'refused', code: 'invalid', message: prompt });
    expect(await tablesWith(db.admin, prompt)).toEqual([]);
  });

  it('takes nothing from a claim of it, nor from a remix', async () => {
    const prompt = words();
    const original = await made(prompt);
    await outlive(original.generationId);
    await db.ledger.settleGeneration(original.generationId, 'expired');
    await db.ledger.recordLook(original.generationId, original.video, FINISHED);
    const { accountId, apiKeyId } = original;
    const claim = { generationId: videoId(randomUUID()), accountId, apiKeyId, admitWithinMs: 60_000 };
    const asked = { fingerprint: Buffer.alloc(32), idempotencyKey: null };
    await db.ledger.claimGeneration({ ...claim, ...asked, claimOf: original.generationId });
    await db.ledger.placeHold(claim.generationId, 3600);
    await db.ledger.deleteGeneration(accountId, original.generationId);
    expect(await inputsOf([original.generationId, claim.generationId])).toBe(1);
    expect(await tablesWith(db.admin, prompt)).toEqual(['generation_labels', 'inputs']);
  });

  it('is erased by nothing but a deletion, and a deletion changes nothing else', async () => {
    const kept = await endings['a video that failed, in words that quote the prompt']!('kept');
    const refused = await endings['a video that was refused, in words that quote the prompt']!('refused');
    const change = (sql: string, id: string) => db.admin.query(`${sql} = $1`, [id]);
    const never = { code: 'HF004' };
    const generations = (set: string) => `UPDATE generations SET ${set} WHERE id`;
    const attempts = (set: string) => `UPDATE provider_attempts SET ${set} WHERE generation_id`;
    await expect(change(generations('error_message = NULL'), kept.generationId)).rejects.toMatchObject(never);
    await expect(change(attempts('error_message = NULL'), refused.generationId)).rejects.toMatchObject(never);
    const text = await written('kept', 'kept');
    const texts = (set: string) => `UPDATE texts SET ${set} WHERE generation_id`;
    await expect(change(texts("output = ''"), text.generationId)).rejects.toMatchObject(never);
    await db.ledger.deleteGeneration(text.accountId, text.generationId);
    for (const set of ["output = 'another'", "output = '', max_output_tokens = 1"]) {
      await expect(change(texts(set), text.generationId), set).rejects.toMatchObject(never);
    }
    await db.ledger.deleteGeneration(kept.accountId, kept.generationId);
    await db.ledger.deleteGeneration(refused.accountId, refused.generationId);
    for (const set of ["error_message = 'another'", 'error_message = NULL, error_code = NULL', 'deleted_at = NULL']) {
      await expect(change(generations(set), kept.generationId), set).rejects.toMatchObject(never);
    }
    for (const set of ["error_message = 'another'", "error_message = NULL, error_code = 'another'"]) {
      await expect(change(attempts(set), refused.generationId), set).rejects.toMatchObject(never);
    }
  });
});

/** Moves the hold past its end. No role may do this, so the triggers are disabled meanwhile. */
async function outlive(id: string): Promise<void> {
  await db.admin.query(
    `SET session_replication_role = replica;
     UPDATE holds SET placed_at = now() - interval '2 hours', expires_at = now() - interval '1 s' WHERE generation_id = '${id}';
     SET session_replication_role = origin`,
  );
}
