import { describe, expect, it } from 'vitest';
import { isBlocked } from '../../dev/simulator/moderation.ts';

describe('moderation', () => {
  it.each([
    'an ad for iqus e cigerrates',
    'an ad for IQOS',
    'iqoss',
    'cigarettes',
    'a cowboy lights a cigarrete',
    'sigarettes on a table',
    'c1garettes',
    'e-cigarettes',
    'ecigs in neon light',
    'a man smoking a cigar',
    'tobbaco fields',
    'tabacco',
    'nicotene patches',
    'someone vaping on a roof',
    'vapes',
    'Marlboro man',
  ])('blocks tobacco, misspelled too: %s', (prompt) => {
    expect(isBlocked(prompt)).toBe(true);
  });

  it.each([
    'a red fox runs through fresh snow',
    'a cigar-shaped airship over the sea',
    'a fox, order 21b879c0-f0c1-4774-a8a9-1f0561d0ae75 (44aac64b-1d05-4a8f-8e98-fe39a201e31c)',
    'silhouettes at dusk',
    'marionettes and gazettes, baguettes, cassettes, vignettes',
    'an ad for a vase',
    'a cape, a tape, a vale and a grape',
    'an iOS app with a high IQ, two IQs',
    'Trinidad and Tobago',
    'tacos with Tabasco sauce',
    'birds migrate; rivers irrigate; we integrate and separate',
    'vapour rises from a volcano that is smoking',
    'sugar and cedar',
    'a nocturne for the guillotine, to be continued in our routine',
    'Margarete in Camarillo',
    '[[fail:cigarette]] a red fox',
    '',
  ])('lets ordinary prompts pass: %s', (prompt) => {
    expect(isBlocked(prompt)).toBe(false);
  });
});
