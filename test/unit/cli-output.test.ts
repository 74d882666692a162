import { describe, expect, it } from 'vitest';
import { asJson, clean, cleaned, oneLine } from '../../cli/output/clean.ts';
import { progressLine, typicalTime, type Waiting } from '../../cli/output/progress.ts';
import { fields, table } from '../../cli/output/table.ts';
import { StringsInJson } from '../../cli/texts/stringsInJson.ts';

describe('what the API answers', () => {
  it('can’t send control characters, in any field or name of one, to a terminal', () => {
    const evil = 'a\u001b[31mred\u009b2J\u0007\u202eb\u2028c\rd\u0000';
    const shown = JSON.stringify(cleaned({ [evil]: [evil, { deep: evil }], count: 1 }));
    expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]|\\u00/);
    expect(clean('tabs\tand\r\nlines stay')).toBe('tabs\tand\nlines stay');
    expect(oneLine('  two\n lines\u001b ')).toBe('two lines�');
  });

  it('is the same text in JSON, with escapes where a terminal would act', () => {
    const text = '\u009b31m \u202e fox ü 🦊 \u007f';
    expect(asJson({ text })).not.toMatch(/[\u007f-\u009f\u202e]/);
    expect(JSON.parse(asJson({ text }))).toEqual({ text });
  });

  it('stays in its row and its column', () => {
    const rows = table(
      ['id', 'credits', 'prompt'],
      [
        ['a', '10.5', 'a\nfox'],
        ['bb', '2.25', 'x'.repeat(50)],
      ],
      30,
    );
    expect(rows).toEqual(['id  credits  prompt', 'a      10.5  a fox', `bb     2.25  ${'x'.repeat(16)}…`]);
    expect(
      fields([
        ['one', 1],
        ['none', null],
        ['empty', ''],
        ['eleven', 'x\ny'],
      ]),
    ).toEqual(['one     1', 'eleven  x y']);
  });
});

describe('the progress line', () => {
  const waiting: Waiting = {
    id: 'video_1',
    status: 'in_progress',
    progress: 0,
    elapsedSeconds: 102.7,
    typical: 'typical 1–4 min',
    amount: '0.571429',
    isCutOff: false,
  };

  it('says the state, the time, what is held, and that Ctrl-C is safe', () => {
    expect(progressLine(waiting, 200)).toBe(
      'video_1 in progress 01:42 (typical 1–4 min) · 0.571429 credits held · Ctrl-C is safe: holdfast watch video_1',
    );
    expect(progressLine({ ...waiting, typical: undefined, progress: 33, isCutOff: true }, 80)).toBe(
      'in progress 33 % 01:42 · the API does not answer · 0.571429 credits held',
    );
  });

  it('never wraps, however narrow the terminal', () => {
    for (let columns = 1; columns < 130; columns++) expect(progressLine(waiting, columns).length).toBeLessThan(columns);
  });

  it('calls typical what the middle of the last videos took, and nothing where few are known', () => {
    expect(typicalTime([60, 90])).toBeUndefined();
    expect(typicalTime([6, 6, 7])).toBe('typical 6–7 s');
    expect(typicalTime([61, 100, 110, 120, 130, 140, 150, 160, 170, 220, 9000])).toBe('typical 1–4 min');
  });
});

describe('a text that is written as JSON', () => {
  const spoken = (pieces: readonly string[]) => {
    const told: string[] = [];
    const strings = new StringsInJson({
      begun: (isItem) => void told.push(isItem ? '* ' : '- '),
      more: (text) => {
        // Half a character would be written as a broken one.
        expect(text.isWellFormed()).toBe(true);
        told.push(`${told.pop() ?? ''}${text}`);
      },
    });
    for (const piece of pieces) strings.add(piece);
    return told;
  };

  it('is shown as its texts, wherever the pieces are cut', () => {
    const json = JSON.stringify({ title: 'A "fox"', text: 'snow\n\\ \u0007ü🦊', posts: ['one, two', '3: [x]'] });
    const escaped = json.replace('🦊', '\\ud83e\\udd8a');
    const expected = ['- A "fox"', '- snow\n\\ \u0007ü🦊', '* one, two', '* 3: [x]'];
    for (let size = 1; size < 9; size++) {
      expect(spoken(escaped.match(new RegExp(`[^]{1,${String(size)}}`, 'g')) ?? [])).toEqual(expected);
    }
  });
});
