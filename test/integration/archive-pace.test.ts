import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ContentStore } from '../../outbound/index.ts';
import {
  CONTENT,
  HALF,
  type Answer,
  answers,
  archiveAt,
  charged,
  expectWhole,
  once,
  onRecord,
  ranges,
  rest,
  useArchiveSite,
  whole,
} from '../harness/support/archiveSite.ts';
import { COPY_LIMITS } from '../harness/support/copyLimits.ts';

useArchiveSite();

/** How much of a content, and how fast: what each side's slowness is taken for. */

describe('a body without measure', () => {
  const copyLimits = { maximumBytes: CONTENT.length - 1, leastBytes: CONTENT.length, withinMs: 200, tryMs: 60_000 };
  const endless: Answer = (response) => {
    const more = () => response.destroyed || response.write(CONTENT, more);
    response.writeHead(200, { 'content-type': 'video/mp4' });
    more();
  };
  /** Half of it at once, then a byte at a time. */
  const drips: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': CONTENT.length });
    response.write(CONTENT.subarray(0, HALF));
    let sent = HALF;
    const drip = setInterval(() => {
      if (response.destroyed) clearInterval(drip);
      else response.write(CONTENT.subarray(sent, (sent += 1)));
    }, 20);
  };

  it.each<[string, Answer]>([
    ['says that it is too long', whole()],
    ['never ends', endless],
  ])('that %s is told as trouble, and no byte of it is kept', async (_what, answer) => {
    const id = await charged();
    answers.push(answer);
    const { end } = await once(id, undefined, { copyLimits });
    expect(end).toMatchObject({
      type: 'HinderedByUs',
      message: expect.stringMatching(/^The content has more than 199999 bytes/),
      nextRetryDelay: 600_000,
    });
    expect(await archiveAt().kept(`${id}/video`)).toBe(0);
    expect(await onRecord(id)).toEqual([]);
  });

  it('that never ends ends its try before Temporal does, and goes on from there', async () => {
    const id = await charged();
    answers.push(drips, rest());
    const first = await once(id, undefined, { copyLimits: { ...COPY_LIMITS, tryMs: 300 } });
    expect(first.end).toMatchObject({ type: 'HinderedByUs', nextRetryDelay: 120_000 });
    expect(first.details).toMatchObject({ progress: { bytes: expect.any(Number) } });
  });

  it('that drips is broken off, and goes on from where it was', async () => {
    const id = await charged();
    answers.push(drips, rest());
    const slow = await once(id, undefined, { copyLimits: { ...COPY_LIMITS, ...copyLimits, maximumBytes: 1e9 } });
    expect(slow.end).toMatchObject({ message: expect.stringMatching(/^The content comes too slowly/) });
    expect((await once(id, slow.details)).end).toBe('archived');
    expect(ranges()[1]).toMatch(/^bytes=100\d\d\d-$/);
    await expectWhole(id);
  });
});

describe('a store of ours that writes slowly', () => {
  /** Takes longer for each chunk than the provider may take for all of the content. */
  const slowStore = (): ContentStore => ({
    ...archiveAt(),
    write: (key, body, options) => {
      async function* slowly() {
        for await (const chunk of body) {
          yield chunk;
          await delay(60);
        }
      }
      return archiveAt().write(key, slowly(), options);
    },
  });
  const limits = { ...COPY_LIMITS, leastBytes: CONTENT.length, withinMs: 50 };

  it('is not told as slowness of the provider’s: the content is archived', async () => {
    const id = await charged();
    answers.push(whole());
    expect((await once(id, undefined, { archive: slowStore(), copyLimits: limits })).end).toBe('archived');
    await expectWhole(id);
  });

  it('and uses up the time of a try: the provider is not blamed for it', async () => {
    const id = await charged();
    answers.push(whole());
    const { end } = await once(id, undefined, { archive: slowStore(), copyLimits: { ...limits, tryMs: 40 } });
    expect(end).toMatchObject({
      message: expect.stringMatching(/time of one try/),
      type: 'HinderedByUs',
    });
  });
});
