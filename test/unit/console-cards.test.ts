import { html } from 'hono/html';
import { describe, expect, it } from 'vitest';
import { VideoCard } from '../../api/console/card.tsx';
import { typicalInWords, typicalSeconds } from '../../api/console/outcome.ts';
import { EXAMPLE } from '../../api/http/examples.ts';
import type { Video } from '../../api/videos/videoObject.ts';

/** What a card says of a video in each state. */

const HELD = EXAMPLE.video as Video;

/** The words of a card, as they are read. */
function wordsOf(video: Partial<Video>, credits: Partial<Video['credits']> = {}): string {
  const shown = { ...HELD, ...video, credits: { ...HELD.credits, ...credits } };
  const drawn = html`${VideoCard({ video: shown, typical: 'usually 1–4 min' })}` as string;
  return drawn
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

const failed = (code: string, credits: Partial<Video['credits']> = {}) =>
  wordsOf(
    { status: 'failed', error: { code, message: 'What the provider said.' } },
    { state: 'refunded', claimable: false, claimable_until: null, claimed_as: null, ...credits },
  );

const REFUNDED = 'Credits have been refunded to your account 0.571429 credits';

describe('the card of a video', () => {
  it('that is under way says what is reserved, until when, and how long such a video takes', () => {
    const words = wordsOf({ status: 'in_progress', progress: 40 });
    for (const said of ['In progress', '40 %', 'usually 1–4 min', '0.571429 credits reserved', 'unless it completes'])
      expect(words).toContain(said);
    expect(words).toContain('Cancel');
  });

  it.each([
    ['moderation_blocked', 'MODERATION_BLOCKED', 'Change the prompt and try again'],
    ['generation_timeout', 'GENERATION_TIMEOUT', 'It took longer than an hour'],
    ['provider_unavailable', 'PROVIDER_UNAVAILABLE', 'Try again in a few minutes'],
    ['settlement_failed', 'SETTLEMENT_FAILED', 'an operator was alerted'],
    ['something_new', 'SOMETHING_NEW', 'Try again; if it fails once more'],
  ])('that failed with %s says so, that the credits are back, and what to try next', (code, shown, advice) => {
    const words = failed(code);
    for (const said of ['Video generation failed', shown, 'What the provider said.', REFUNDED, advice])
      expect(words).toContain(said);
    expect(words).not.toContain('Claim');
  });

  it('that was finished after its refund offers it for its price, and once it is claimed says where it is', () => {
    const late = failed('generation_timeout', { claimable: true, claimable_until: 1_790_000_000 });
    expect(late).toContain('You can still have it for 0.571429 credits until');
    expect(late).toContain('Claim the video');
    const claimed = failed('generation_timeout', { claimed_as: 'video_1' });
    expect(claimed).toContain('it was claimed as another video');
    expect(claimed).not.toContain('Claim the video');
  });

  it('that was charged and refunded later says both', () => {
    const words = wordsOf(
      { status: 'completed' },
      { state: 'charged', refunded_microcredits: 571_429, refunded_by: 'the operator', refunded_at: 1_790_000_000 },
    );
    expect(words).toContain('0.571429 credits charged All of them refunded by the operator');
  });
});

describe('how long a video usually takes', () => {
  const took = (seconds: number, model = HELD.model): Video => ({
    ...HELD,
    model,
    created_at: 1_000_000,
    completed_at: 1_000_000 + seconds,
  });

  it('is read from those of its model that the account has, and without one is what is usual elsewhere', () => {
    const videos = [...[61, 95, 120, 150, 240].map((seconds) => took(seconds)), took(5, 'another'), HELD];
    expect(typicalInWords(typicalSeconds(videos, HELD.model))).toBe('usually 1–3 min');
    expect(typicalInWords(typicalSeconds(videos, 'another'))).toBe('usually 5 s');
    expect(typicalInWords(typicalSeconds(videos, 'none'))).toBe('usually 1–4 min');
  });
});
