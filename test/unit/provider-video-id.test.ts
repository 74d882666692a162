import { describe, expect, it } from 'vitest';
import { canonicalVideoId, isProviderVideoId } from '../../contracts/providerVideoId.ts';
import { litellm, SPELLINGS } from '../harness/support/spelledIds.ts';

// MR-74
describe('the canonical form of a video’s id', () => {
  it.each(Object.entries(SPELLINGS))('is the upstream’s id, as the gateway spells it at %s', (_where, spell) => {
    expect(canonicalVideoId(spell('video_1'))).toBe('video_1');
    expect(canonicalVideoId(spell('projects/p/operations/o-1'))).toBe('projects/p/operations/o-1');
  });

  it('is the same without the padding of base64, and in its other alphabet', () => {
    const told = litellm('openai', '>>>???', 'video_1');
    expect(told).toMatch(/[+/]/);
    expect(told).toMatch(/=$/);
    expect(canonicalVideoId(told.replaceAll('=', ''))).toBe('video_1');
    expect(canonicalVideoId(told.replaceAll('+', '-').replaceAll('/', '_'))).toBe('video_1');
  });

  it('is the innermost one behind a gateway that stands before another', () => {
    const [create, list] = Object.values(SPELLINGS);
    const outer = (inner: string) => litellm('openai', 'a', inner);
    expect(canonicalVideoId(outer(create?.('video_1') ?? ''))).toBe('video_1');
    expect(canonicalVideoId(outer(list?.('video_1') ?? ''))).toBe('video_1');
  });

  it('is its own canonical form', () => {
    for (const spell of Object.values(SPELLINGS)) {
      const canonical = canonicalVideoId(spell('video_1'));
      expect(canonicalVideoId(canonical)).toBe(canonical);
    }
  });

  it.each([
    ['of OpenAI', 'video_68d7512d07848190b3e45da0ecbebcde004da08e1e0678d5'],
    ['of vLLM-Omni', 'video_gen_0f8fad5bd9cb469fa16570867728950e'],
    ['of SGLang', '0f8fad5b-d9cb-469f-a165-70867728950e'],
    ['of another gateway', `video_${Buffer.from('another:model;video_id:x').toString('base64')}`],
    ['that only looks wrapped', 'video_litellm:custom_llm_provider:a;model_id:b;video_id:c'],
    ['around nothing', litellm('openai', '', '')],
    ['around what is no id', litellm('openai', '', 'two words')],
    ['around a NUL, which no database takes', litellm('openai', '', 'video_\u0000')],
    ['around a path', litellm('openai', '', '..')],
    ['of another object', litellm('openai', '', 'x').replace('video_', 'character_')],
    ['that is no text', '\ud800'],
    ['that is empty', ''],
    ['that is endless', `video_${'A'.repeat(1_000_000)}`],
  ])('is the id as it is, %s', (_what, told) => {
    expect(canonicalVideoId(told)).toBe(told);
  });

  it('is an id that fits wherever the told one fits', () => {
    for (const upstream of ['x', 'x'.repeat(690), 'é'.repeat(340)]) {
      for (const spell of Object.values(SPELLINGS)) {
        const told = spell(upstream);
        if (isProviderVideoId(told)) expect(isProviderVideoId(canonicalVideoId(told))).toBe(true);
      }
    }
  });
});
