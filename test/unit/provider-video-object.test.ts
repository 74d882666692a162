import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePage, parseVideo } from '../../provider/videoObject.ts';
import { readProblem } from '../../provider/problem.ts';
import { readingIn } from '../harness/support/reading.ts';

const asIs = (text: string) => text;
const reading = readingIn('auto', asIs);
const read = (body: unknown) => parseVideo(body, reading);

// MR-14
describe('statuses', () => {
  test.each([
    ['completed', 'completed'],
    ['succeeded', 'completed'],
    ['success', 'completed'],
    [' Completed ', 'completed'],
    ['failed', 'failed'],
    ['cancelled', 'failed'],
    ['canceled', 'failed'],
    ['expired', 'failed'],
    ['deleted', 'failed'],
    ['error', 'failed'],
    ...['complete', 'succeed', 'done', 'Finished', 'READY'].map((word) => [word, 'completed']),
    ...['FAILURE', 'fail', 'rejected', 'timeout', 'TIMED_OUT', 'timed out', 'incomplete'].map((word) => [
      word,
      'failed',
    ]),
    ...['moderated', 'NSFW', 'content_filtered', 'content-filtered', 'blocked', 'aborted'].map((word) => [
      word,
      'failed',
    ]),
    ['queued', 'open'],
    ['pending', 'open'],
    ['in_progress', 'open'],
    ['processing', 'open'],
    ['running', 'open'],
    ['almost_completed', 'open'],
    ['__proto__', 'open'],
    ['constructor', 'open'],
  ])('%j means %s', (status, verdict) => {
    expect(read({ id: 'v', status })?.verdict).toBe(verdict);
  });

  test.each(['success', 'done', 'ready', 'error', 'timeout'])(
    '%j around another object is about the call: the video is open',
    (status) => {
      expect(read({ id: 'v', status, data: { status: 'processing' } })?.verdict).toBe('open');
      expect(read({ id: 'v', status, result: {} })?.verdict).toBe('open');
      expect(read({ id: 'v', status, data: null })?.verdict).not.toBe('open');
    },
  );

  test.each([
    ['nsfw', 'moderation_blocked'],
    ['content_filtered', 'moderation_blocked'],
    ['aborted', 'cancelled'],
    ['TIMED_OUT', 'generation_failed'],
    ['rejected', 'generation_failed'],
  ])('%j without a reason is told as %s, and with one as that', (status, code) => {
    expect(read({ id: 'v', status })?.errorCode).toBe(code);
    expect(read({ id: 'v', status, error: { code: 'no_gpu' } })?.errorCode).toBe('no_gpu');
  });
});

describe('a video', () => {
  test('tells its sound where the provider does, and nothing where what it tells is unreadable', () => {
    const video = { id: 'video_1', status: 'completed' };
    expect(read({ ...video, has_audio: false })).toMatchObject({ hasAudio: false });
    expect(read({ ...video, generate_audio: true })).toMatchObject({ hasAudio: true });
    expect(read({ ...video, has_audio: 'no' })).toMatchObject({ hasAudio: null });
  });

  test('is read with every key of the schema', () => {
    const body = {
      id: 'video_1',
      object: 'video',
      model: 'sora-2',
      status: 'completed',
      progress: 100,
      created_at: 1790000000,
      completed_at: 1790000100,
      expires_at: 1790003600,
      prompt: 'a\nkite',
      seconds: '8',
      size: '1280x720',
      remixed_from_video_id: 'video_0',
      error: null,
    };
    expect(read(body)).toEqual({
      id: 'video_1',
      verdict: 'completed',
      status: 'completed',
      progress: 100,
      createdAt: new Date('2026-09-21T14:13:20Z'),
      completedAt: new Date('2026-09-21T14:15:00Z'),
      errorCode: null,
      errorMessage: null,
      prompt: 'a\nkite',
      model: 'sora-2',
      seconds: 8,
      size: '1280x720',
      hasAudio: null,
      remixedFrom: 'video_0',
    });
  });

  // MR-6
  test.each(['720x1280\u0000', '\u0000', '720\n1280', '\u202ex', '', 'x'.repeat(201)])(
    'has no size and no model where these could not be stored and shown: %j',
    (told) => {
      expect(read({ id: 'x', status: 'completed', size: told, model: told })).toMatchObject({
        size: null,
        model: null,
      });
    },
  );

  test('needs no more than an id and a status', () => {
    expect(read({ id: 'x', status: 'queued' })).toMatchObject({
      id: 'x',
      progress: null,
      createdAt: null,
      seconds: null,
    });
  });

  test.each([
    ['a progress in words', { progress: '45%' }, { progress: null }],
    ['a progress beyond 100', { progress: 101 }, { progress: null }],
    ['a fractional progress', { progress: 33.9 }, { progress: 33 }],
    ['milliseconds as a time', { created_at: 1790000000000 }, { createdAt: null }],
    ['text as a time', { completed_at: 'yesterday' }, { completedAt: null }],
    ['seconds as a number', { seconds: 12 }, { seconds: 12 }],
    ['seconds in words', { seconds: 'eight' }, { seconds: null }],
    ['empty seconds', { seconds: '' }, { seconds: null }],
    ['a prompt that is an object', { prompt: {} }, { prompt: null }],
  ])('with %s is still readable', (_what, extra, expected) => {
    expect(read({ id: 'v', status: 'in_progress', ...extra })).toMatchObject(expected);
  });

  test.each([
    [null],
    ['completed'],
    [[]],
    [{}],
    [{ id: 'v' }],
    [{ status: 'completed' }],
    [{ id: '', status: 'completed' }],
    [{ id: 7, status: 'completed' }],
    [{ id: '..', status: 'completed' }],
    [{ id: 'a b', status: 'completed' }],
    [{ id: 'a\u0000', status: 'completed' }],
    [{ id: 'v'.repeat(1001), status: 'completed' }],
    [{ id: 'v', status: '' }],
    [{ id: 'v', status: 4 }],
  ])('%j is unreadable', (body) => {
    expect(read(body)).toBeNull();
  });

  test('keeps a long opaque id unmodified', () => {
    const id = `bW9kZWw6${'Zm9v/+='.repeat(100)}`;
    expect(read({ id, status: 'queued' })?.id).toBe(id);
  });
});

describe('a failed video', () => {
  const DEFAULT = 'The provider reported that the generation failed.';

  test.each([
    ['failed', { code: 'moderation_blocked', message: 'Blocked.' }, 'moderation_blocked', 'Blocked.'],
    ['failed', { code: 500, message: 'Boom' }, 'generation_failed', 'Boom'],
    ['failed', { code: 1043, message: 'Boom' }, '1043', 'Boom'],
    ['failed', { message: 'Boom' }, 'generation_failed', 'Boom'],
    ['failed', { code: null, message: '' }, 'generation_failed', DEFAULT],
    ['failed', { code: {}, message: 5 }, 'generation_failed', DEFAULT],
    ['failed', 'out of memory', 'generation_failed', 'out of memory'],
    ['failed', null, 'generation_failed', DEFAULT],
    ['failed', undefined, 'generation_failed', DEFAULT],
    ['failed', [1], 'generation_failed', DEFAULT],
    ['error', null, 'generation_failed', DEFAULT],
    ['canceled', null, 'cancelled', DEFAULT],
    ['cancelled', null, 'cancelled', DEFAULT],
    ['expired', null, 'expired', DEFAULT],
    ['deleted', null, 'deleted', DEFAULT],
    ['failed', { code: 'a b\u0000/é', message: 'one\u0000two\nthree' }, 'a_b___', 'one two three'],
    ['failed', { code: '!!!', message: '\u0000' }, 'generation_failed', DEFAULT],
  ])('%s with error %j has code %s', (status, error, code, message) => {
    expect(read({ id: 'v', status, error })).toMatchObject({ errorCode: code, errorMessage: message });
  });

  test('has a code of at most 100 and a message of at most 1,000 characters, never half an emoji', () => {
    const video = read({ id: 'v', status: 'failed', error: { code: 'c'.repeat(300), message: '🪁'.repeat(3000) } });
    expect(video?.errorCode).toBe('c'.repeat(100));
    expect(video?.errorMessage).toBe('🪁'.repeat(1000));
  });

  test('alone has a code: the error of an open or completed one is not told', () => {
    const error = { code: 'warned', message: 'hm' };
    expect(read({ id: 'v', status: 'completed', error })).toMatchObject({ errorCode: null, errorMessage: null });
    expect(read({ id: 'v', status: 'queued', error })).toMatchObject({ errorCode: null, errorMessage: null });
  });
});

describe('a page', () => {
  test('counts what it could not read, so that an absence proves nothing', () => {
    const data = [{ id: 'a', status: 'queued' }, { id: 'b' }, 7, { id: 'c', status: 'completed' }];
    const page = parsePage({ data, has_more: true, last_id: 'z' }, 100, reading);
    expect(page).toMatchObject({ unreadable: 2, hasMore: true, lastId: 'z' });
    expect(page?.videos.map((video) => video.id)).toEqual(['a', 'c']);
  });

  test('without has_more goes on when it is full, from its last entry', () => {
    const data = [
      { id: 'a', status: 'queued' },
      { id: 'b', status: 'queued' },
    ];
    expect(parsePage({ data }, 2, reading)).toMatchObject({ hasMore: true, lastId: 'b' });
    expect(parsePage({ data }, 3, reading)).toMatchObject({ hasMore: false });
  });

  test('is none without data', () => {
    expect(parsePage({ object: 'list' }, 10, reading)).toBeNull();
    expect(parsePage([], 10, reading)).toBeNull();
  });
});

describe('reading never throws', () => {
  const anything = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.double());
  const keys = ['status', 'progress', 'created_at', 'completed_at', 'error', 'prompt', 'model', 'seconds', 'size'];
  const likeVideo = fc.record(
    { id: fc.oneof(fc.constant('v'), anything), ...Object.fromEntries(keys.map((key) => [key, anything])) },
    { requiredKeys: [] },
  );

  test('whatever JSON a provider answers, and what was read is fit to be stored', () => {
    const stored = /^[^\p{Cc}]*$/u;
    fc.assert(
      fc.property(fc.oneof(anything, likeVideo), (body) => {
        const video = read(body);
        parsePage(body, 10, reading);
        parsePage({ data: [body] }, 10, reading);
        readProblem(body, asIs);
        if (video === null) return true;
        const texts = [video.id, video.status, video.errorCode ?? '', video.errorMessage ?? ''];
        return texts.every((text) => stored.test(text)) && (video.verdict === 'failed') === (video.errorCode !== null);
      }),
      { numRuns: 500 },
    );
  });

  test('the error of a failed video may be any JSON', () => {
    fc.assert(
      fc.property(fc.oneof(anything, fc.record({ code: anything, type: anything, message: anything })), (error) => {
        const video = read({ id: 'v', status: 'failed', error });
        return /^[A-Za-z0-9_.-]{1,100}$/.test(video?.errorCode ?? '') && (video?.errorMessage ?? '').length > 0;
      }),
      { numRuns: 500 },
    );
  });
});
