import { describe, expect, it, vi } from 'vitest';
import {
  charged,
  CONTENT,
  fetched,
  get,
  goneLater,
  headOf,
  LENGTH,
  servedOf,
  servesRanges,
  site,
  useSite,
  VIDEO,
} from '../harness/support/passThroughSite.ts';

useSite();

describe('a video that was served in parts and is gone afterwards', () => {
  it('stays charged where the parts are the whole', async () => {
    const id = await charged();
    servesRanges();
    for (const range of ['50000-99999', '0-29999', '20000-49999']) {
      expect(await servedOf(id)).toBe(0);
      expect(await get(id, [`Range: bytes=${range}`])).toMatchObject({ status: 206, isWhole: true });
    }
    expect(await servedOf(id)).toBe(1);
    expect(await goneLater(id)).toMatchObject({ refund: null });
  });

  it('is refunded where the parts leave something out, however often they came', async () => {
    const id = await charged();
    servesRanges();
    for (const range of ['0-49999', '0-49999', '50001-99999']) await get(id, [`Range: bytes=${range}`]);
    expect(await goneLater(id)).toMatchObject({ refund: 'refunded' });
  });

  it('is refunded where the parts are those of an error, which nobody can know from its middle', async () => {
    const id = await charged();
    servesRanges(Buffer.from(`{"error":"${'upstream '.repeat(10)}"}`));
    for (const range of ['0-9', '10-99', '100-101']) {
      expect(await get(id, [`Range: bytes=${range}`])).toMatchObject({ status: 206 });
    }
    expect(await goneLater(id)).toMatchObject({ refund: 'refunded' });
  });

  it('counts what had come before its reader left, so that nobody has all but the record', async () => {
    const id = await charged();
    site.answer = (socket) => {
      socket.write(headOf('200 OK', [VIDEO, LENGTH]));
      let at = 0;
      const timer = setInterval(() => socket.write(CONTENT.subarray(at, (at += 1000))), 5);
      socket.on('close', () => clearInterval(timer));
    };
    const leaving = new AbortController();
    const reader = (await fetched(id, { signal: leaving.signal })).body?.getReader();
    const first = await reader?.read();
    leaving.abort();
    expect(first?.value?.length).toBeGreaterThan(0);
    const sent = async () =>
      (
        await site.db.pool.query<{ bytes: string }>(
          'SELECT upper(parts) AS bytes FROM served_parts WHERE generation_id = $1',
          [id],
        )
      ).rows[0];
    await vi.waitFor(async () => expect(Number((await sent())?.bytes)).toBeGreaterThan(0));
    servesRanges();
    await get(id, [`Range: bytes=${String((await sent())?.bytes)}-99999`]);
    expect(await servedOf(id)).toBe(1);
  });
});

describe('a video whose owner has asked for its deletion', () => {
  it('is not refunded as gone when only the provider’s copy was deleted, and is deleted by the next try', async () => {
    const id = await charged();
    const deleting = () =>
      fetch(`http://127.0.0.1:${site.port}/v1/videos/${id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${site.key}` },
      });
    site.answer = (socket, text) => {
      expect(text).toMatch(/^DELETE /);
      socket.end(
        Buffer.concat([headOf('200 OK', ['Content-Type: application/json']), Buffer.from('{"deleted":true}')]),
      );
    };
    site.removing = () => Promise.reject(new Error('the disk is away'));
    expect((await deleting()).status).toBe(503);
    expect(await goneLater(id)).toMatchObject({ content: { state: 'gone' }, refund: null });
    site.removing = undefined;
    expect((await deleting()).status).toBe(200);
    expect((await site.db.pool.query('SELECT FROM refunds WHERE generation_id = $1', [id])).rowCount).toBe(0);
  });
});
