import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { toTimeline } from '../../api/generations/timeline.ts';

/** What a customer reads in a timeline: sentences, without the words of programs. */

const told = (kind: string, data: Record<string, string | number | null>) => {
  const event = { sequence: 1, kind, data, recordedAt: new Date(0) };
  return toTimeline('video', [event])[0]?.message ?? '';
};
const PROGRAMS_WORD = /[a-z]_[a-z]|null|undefined/;

it('each reason that settle_generation gives for a return is told in words', async () => {
  const sql = await readFile('migrations/functions/settlement.sql', 'utf8');
  const codes = [...sql.matchAll(/^ {6}\('(\w+)', (?:COALESCE\([^,]*, )?'(\w+)'/gm)].map(([, , code = '']) => code);
  expect(codes).toHaveLength(8);
  for (const code of [...codes, 'moderation_blocked']) {
    const message = told('released', { code, amount_microcredits: 1 });
    expect(message).toMatch(/^0\.000001 credits returned: \w+ \w+/);
    expect(message).not.toMatch(PROGRAMS_WORD);
  }
});

it('what the provider says of a video is told in words, and its own codes are quoted', () => {
  const seen = (status: string, progress: number | null) => told('seen', { verdict: 'open', status, progress });
  expect(seen('in_progress', 33)).toBe('The provider is making the video, 33 %');
  expect(seen('queued', null)).toBe('The video waits at the provider');
  expect(seen('pre_warming', 0)).toBe('The provider reported the status “pre_warming”, 0 %');
  expect(told('seen', { verdict: 'failed', code: null })).not.toMatch(PROGRAMS_WORD);
  expect(told('seen', { verdict: 'failed', code: 'gpu_lost' })).toBe(
    'The provider reported a failure: the provider’s reason is “gpu_lost”',
  );
  expect(told('seen', { verdict: 'failed', code: 'constructor' })).toContain('“constructor”');
});
