import { describe, expect, it } from 'vitest';
import { DirectiveError, parseDirectives, withoutDirectives } from '../../dev/simulator/directives.ts';
import { suffer } from '../../dev/simulator/faults.ts';
import { phaseOf, toWire, type VideoRecord } from '../../dev/simulator/lifecycle.ts';
import type { Store } from '../../dev/simulator/store.ts';

/** The faults that n requests at a point meet, in order. */
function sequence(prompt: string, point: 'create' | 'poll', n: number): string[] {
  let hits = 0;
  const counter = { increment: () => hits++ } as unknown as Store;
  return Array.from({ length: n }, () => {
    const { fault } = suffer(counter, 'anyone', parseDirectives(prompt), point);
    return fault === null ? 'answer' : fault.status > 0 ? `${fault.status}` : fault.effect;
  });
}

function video(prompt: string): VideoRecord {
  const directives = parseDirectives(prompt);
  const asked = { prompt, model: 'sora-2', seconds: '4', size: '720x1280', remixed_from_video_id: null };
  return { ...asked, id: 'video_1', created_ms: 0, duration_ms: 10_000, failure: directives.fail, directives };
}

describe('directives', () => {
  it('combine in one prompt', () => {
    const found = parseDirectives(
      'a fox [[after:250ms]] [[fail:bad_frame:It broke: badly.]][[echo:none]] [[webhook:twice]]',
    );
    expect(found).toMatchObject({
      after_ms: 250,
      fail: { code: 'bad_frame', message: 'It broke: badly.' },
      echo: false,
      webhook: 'twice',
    });
    expect(parseDirectives('[[after:1.5s]]').after_ms).toBe(1500);
    expect(parseDirectives('[[fail:500]]').fail?.code).toBe(500);
  });

  it('are ordinary text when nobody knows their name', () => {
    expect(parseDirectives('a [[wiki link]] and [[colour:red]]')).toEqual(parseDirectives(''));
    expect(withoutDirectives('a fox [[never]]')).toBe('a fox');
  });

  it.each([
    '[[after:soon]]',
    '[[create:200]]',
    '[[create:sideways]]',
    '[[poll:lost-reply]]',
    '[[echo:all]]',
    '[[fail]]',
  ])('are refused when their argument makes no sense: %s', (prompt) => {
    expect(() => parseDirectives(prompt)).toThrow(DirectiveError);
  });

  it('take turns when they are counted, and last when they are not', () => {
    expect(sequence('[[poll:reset*2]][[poll:500*1]]', 'poll', 4)).toEqual(['reset', 'reset', '500', 'answer']);
    expect(sequence('[[poll:404]]', 'poll', 3)).toEqual(['404', '404', '404']);
    expect(sequence('[[create:503*2]][[create:lost-reply]]', 'create', 4)).toEqual([
      '503',
      '503',
      'lost-reply',
      'answer',
    ]);
    expect(sequence('[[create:slow:10ms]][[create:500*1]]', 'create', 2)).toEqual(['500', 'answer']);
  });

  it('decide what a video becomes', () => {
    const at = (prompt: string, now_ms: number): string => phaseOf(video(prompt), now_ms).status;
    expect([at('', 0), at('', 2000), at('', 10_000)]).toEqual(['queued', 'in_progress', 'completed']);
    expect([at('[[fail:x]]', 9999), at('[[fail:x]]', 10_000)]).toEqual(['in_progress', 'failed']);
    expect([at('[[status:rendering]]', 0), at('[[status:rendering]]', 10_000)]).toEqual(['rendering', 'completed']);
    expect([at('[[terminal:succeeded]]', 10_000), at('[[terminal:expired]]', 10_000)]).toEqual([
      'succeeded',
      'expired',
    ]);
    expect(at('[[terminal:succeeded]][[fail:x]]', 10_000)).toBe('failed');
    expect(at('[[never]]', 1e12)).toBe('in_progress');
  });

  it('let progress grow and end at 100', () => {
    const progress = [0, 2000, 5000, 9999, 10_000].map((now_ms) => toWire(video(''), now_ms)['progress']);
    expect(progress).toEqual([0, 19, 49, 98, 100]);
  });
});
