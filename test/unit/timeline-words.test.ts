import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { getAdminTimeline } from '../../api/admin/generations/timeline.ts';
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

it.each(['account_frozen', 'insufficient_credits', 'too_many_active_generations', 'key_spend_limit'])(
  'an operator reads in words why no hold was placed: %s',
  async (code) => {
    const refused = { sequence: 1, kind: 'refused', data: { code }, recordedAt: new Date(0) };
    const store = { listEvents: () => Promise.resolve([refused]) } as unknown as Parameters<
      typeof getAdminTimeline
    >[0]['store'];
    const { data } = await getAdminTimeline({ store }, 'acct', ['video'], 'video_019a0000000070008000000000000000');
    expect(data[0]?.message).toMatch(/^No hold was placed: the \w+ [\w ]+$/);
    expect(data[0]?.message).not.toMatch(PROGRAMS_WORD);
  },
);

it('a text that cost less than was reserved for it is not told of as a video that is shorter than ordered', () => {
  const data = { amount_microcredits: 60, held_microcredits: 2646, seconds: null, made_seconds: null };
  const charged = { sequence: 1, kind: 'charged', data, recordedAt: new Date(0) };
  expect(toTimeline('script', [charged])[0]?.message).toBe(
    '0.000060 of 0.002646 reserved credits charged: the cost of this script; the rest was returned',
  );
});
