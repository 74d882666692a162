import { describe, expect, it } from 'vitest';
import { mp4 } from '../harness/support/mp4.ts';
import {
  CONTENT,
  HALF,
  db,
  answers,
  whole,
  cut,
  rest,
  charged,
  alarms,
  archiveAt,
  once,
  expectWhole,
  onRecord,
  ranges,
  useArchiveSite,
} from '../harness/support/archiveSite.ts';

useArchiveSite();

/** What a provider sends as a video and is none: neither archived nor passed over in silence. */

// MR-58
describe('bytes that are no whole video, called one, with a length that holds', () => {
  const notTheVideo = expect.stringMatching(/^No content from the provider: the (content|video) is /);
  it.each<[string, Buffer, Record<string, string>?]>([
    ['JSON', Buffer.from('{"error":{"code":502,"message":"upstream"}}')],
    ['a page', Buffer.from('<!DOCTYPE html><html><body>Bad gateway</body></html>')],
    ['half an MP4', CONTENT.subarray(0, HALF)],
    ['an MP4 that lacks one byte', CONTENT.subarray(0, -1)],
    ['an MP4 with one byte too many', Buffer.concat([CONTENT, Buffer.alloc(1, 9)])],
    ['an MP4 without its media', CONTENT.subarray(0, 44)],
    ['eight bytes of PNG', Buffer.from('89504e470d0a1a0a', 'hex')],
    ['noise', Buffer.alloc(5000, 7)],
  ])('%s: is tried again and told once; then the video is archived', async (_what, bytes) => {
    const id = await charged();
    answers.push(whole({}, bytes), whole({}, bytes));
    expect((await once(id)).end).toMatchObject({ message: notTheVideo, category: 'BENIGN' });
    expect(alarms).toEqual(['content_unusable']);
    const second = await once(id);
    expect(second.end).toMatchObject({ message: notTheVideo });
    expect(alarms).toEqual([]);
    expect(await onRecord(id)).toEqual([]);
    expect(await archiveAt().kept(`${id}/video`)).toBe(0);
    const { rows } = await db.pool.query(
      `SELECT kind FROM generation_events WHERE generation_id = $1 AND kind = 'content_unusable'`,
      [id],
    );
    expect(rows).toHaveLength(1);
    expect((await once(id, second.details)).end).toBe('archived');
    await expectWhole(id);
  });

  it('a copy that goes on is looked at as a whole, and begins again when its parts make no video', async () => {
    const id = await charged();
    const wrong = Buffer.concat([mp4(HALF), Buffer.alloc(HALF, 0xff)]);
    answers.push(cut({}, wrong), rest({}, HALF, wrong), whole());
    const first = await once(id);
    const second = await once(id, first.details);
    expect(second.end).toMatchObject({ message: notTheVideo });
    expect((await once(id, second.details)).end).toBe('archived');
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, undefined]);
    await expectWhole(id);
  });

  it('the type on record is that of the bytes, whatever the provider called it', async () => {
    const id = await charged();
    answers.push(whole({ 'content-type': 'text/html' }));
    expect((await once(id)).end).toBe('archived');
    const { rows } = await db.pool.query('SELECT content_type FROM contents WHERE generation_id = $1', [id]);
    expect(rows).toEqual([{ content_type: 'video/mp4' }]);
  });
});
