import { afterEach, describe, expect, test } from 'vitest';
import { likenessOf, wideForm } from '../../activities/likeness.ts';
import { parsePage } from '../../provider/videoObject.ts';
import { readingIn } from '../harness/support/reading.ts';
import { COMPLETION, closeServers, json, PROMPT, provider, serve } from './provider-server.ts';

/**
 * What a provider answers is its trouble, whatever it is. An exception would look like a fault of ours, which a hold waits for
 * without end (MR-5).
 */

afterEach(closeServers);

const REQUEST = { prompt: PROMPT, model: 'sora-2', seconds: 4, size: '720x1280' };
const HALF_A_PAIR = 'video_\uD800';
const reading = readingIn('auto');

describe('a refusal of brackets without end', () => {
  const brackets = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;

  test.each([
    ['as the error', `{"error":${brackets}}`],
    ['as its message', `{"error":{"message":${brackets},"code":"x"}}`],
    ['as all of it', brackets],
  ])('is an answer that proves nothing, %s', async (_, body) => {
    const { baseUrl } = await serve((response) => response.writeHead(500).end(body));
    const { createVideo, retrieveVideo, listVideos, deleteVideo, writeText } = provider(baseUrl);
    expect(await createVideo(REQUEST)).toMatchObject({ outcome: 'ambiguous', why: 'HTTP 500' });
    expect(await writeText(COMPLETION, async () => true)).toMatchObject({ outcome: 'ambiguous', why: 'HTTP 500' });
    for (const answer of [await retrieveVideo('video_1'), await listVideos(), await deleteVideo('video_1')]) {
      expect(answer).toMatchObject({ outcome: 'transient', status: 500 });
    }
  });

  test('refuses all the same where its status does', async () => {
    const { baseUrl } = await serve((response) => response.writeHead(400).end(`{"error":${brackets}}`));
    expect(await provider(baseUrl).createVideo(REQUEST)).toMatchObject({ outcome: 'clients_fault' });
  });
});

describe('an id that can’t be asked for again', () => {
  test('is none: the create may have arrived', async () => {
    const { baseUrl } = await serve(json(200, { id: HALF_A_PAIR, status: 'queued' }));
    expect(await provider(baseUrl).createVideo(REQUEST)).toMatchObject({ outcome: 'ambiguous' });
  });

  test('makes the list one that proves no absence', () => {
    const page = parsePage({ data: [{ id: HALF_A_PAIR, status: 'queued' }], last_id: HALF_A_PAIR }, 100, reading);
    expect(page).toMatchObject({ videos: [], unreadable: 1, lastId: null });
  });
});

describe('what would keep a process busy', () => {
  test('a page of more entries than could be looked through is unreadable', () => {
    const page = (entries: number) => parsePage({ data: Array<number>(entries).fill(0) }, 100, reading);
    expect(page(10_000)).toMatchObject({ unreadable: 10_000 });
    expect(page(10_001)).toBeNull();
  });

  test('a listed text of nothing but marks is compared in no time', () => {
    const marks = '\u0301'.repeat(16_000) + '\u0316'.repeat(16_000);
    const video = { ...REQUEST, remixedFrom: null, prompt: marks } as Parameters<typeof likenessOf>[0];
    const beganMs = performance.now();
    for (let times = 0; times < 50; times += 1) likenessOf(video, { ...REQUEST, remixedFrom: null });
    expect(performance.now() - beganMs).toBeLessThan(2000);
  });

  test.each([
    ['caf\u00e9', 'cafe\u0301'],
    ['\ud55c\uae00', '\u1112\u1161\u11ab\u1100\u1173\u11af'],
    ['A  \ufb01sh!', 'a fish'],
  ])('and a text is still known by its letters: %s', (one, other) => {
    expect(wideForm(one)).toBe(wideForm(other));
  });
});
