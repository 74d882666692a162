import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { MUTANTS } from '../harness/mutants/mutants.ts';

/** docs/rules.md, its proofs in docs/money-rules.md, and whoever cites them: what one says of another is true. */

const RULES = 'docs/rules.md';
const PROOFS = 'docs/money-rules.md';
/** It names the words that it forbids. */
const SELF = 'test/unit/rules.test.ts';

const NO_TEXT = /\.(png|jpg|webp|mp4)$|^(package-lock\.json|LICENSE)$/;
const TEST = /^test\/.+\.(test|long)\.ts$/;
const ID = /\bMR-\d+\b/g;
const HELD_BY_REVIEW = '_Held by review._';

/** Papers that a reader of the repository does not have, and the words by which they were cited. */
const PAPERS = /\b(RULES|HOUSE|CONTRACT|FACTS)\b|\bshared\/design\b|\bissues? #?\d+\b|\bexploits? \d+\b/;

/** Every file of the repository, those included that are not yet committed. */
let files: ReadonlyMap<string, string>;
beforeAll(() => {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']);
  const deleted = new Set(execFileSync('git', ['ls-files', '-z', '--deleted']).toString().split('\0'));
  const names = listed.toString().split('\0');
  const read = names.filter((name) => name !== '' && !deleted.has(name) && !NO_TEXT.test(name));
  files = new Map(read.map((name) => [name, readFileSync(name, 'utf8')]));
});

const textOf = (name: string) => files.get(name) ?? '';
const idsIn = (text: string) => new Set(text.match(ID));
const missing = (wanted: Iterable<string>, there: ReadonlySet<string>) => [...wanted].filter((id) => !there.has(id));

/** The rules by how they are kept: `proven` by a test, or `reviewed` by people. */
function readRules() {
  const definitions = textOf(RULES)
    .split('\n')
    .filter((line) => /^(- |\| )\*\*MR-\d+\*\*/.test(line));
  const idOf = (line: string) => line.match(ID)?.[0] ?? '';
  const [reviewed, proven] = [true, false].map((isReviewed) =>
    definitions.filter((line) => line.includes(HELD_BY_REVIEW) === isReviewed),
  );
  return {
    proven: (proven ?? []).map(idOf),
    reviewed: (reviewed ?? []).map(idOf),
  };
}

describe('the rules', () => {
  it('have an id each', () => {
    const { proven, reviewed } = readRules();
    const all = [...proven, ...reviewed];
    expect(all.length).toBeGreaterThan(80);
    expect(all.filter((id, index) => all.indexOf(id) !== index)).toEqual([]);
  });

  it('that are cited anywhere exist', () => {
    const known = new Set(Object.values(readRules()).flat());
    const unknown = [...files].flatMap(([name, text]) => missing(idsIn(text), known).map((id) => `${name}: ${id}`));
    expect(unknown).toEqual([]);
  });

  it('are cited by a test each, unless they are held by review: then by none', () => {
    const { proven, reviewed } = readRules();
    const cited = idsIn([...files].flatMap(([name, text]) => (TEST.test(name) ? text : [])).join('\n'));
    expect(missing(proven, cited)).toEqual([]);
    expect(reviewed.filter((id) => cited.has(id))).toEqual([]);
  });

  it('have a row each in the table of proofs', () => {
    expect(missing(readRules().proven, idsIn(textOf(PROOFS)))).toEqual([]);
  });
});

/** `unit/x` › "a title", "another one": a test file, and words of titles in it. */
const PROOF = /`((?:unit|workflow|integration|system|e2e|harness)(?:\/[\w-]+)+)`(?: › ("[^"]+"(?:, "[^"]+")*))?/g;

describe('the table of proofs', () => {
  it('names tests that exist, by words of their titles', () => {
    const proofs = [...textOf(PROOFS).matchAll(PROOF)];
    expect(proofs.length).toBeGreaterThan(100);
    const wrong = proofs.flatMap(([, path = '', titles = '']) => {
      const source = textOf(`test/${path}.test.ts`) + textOf(`test/${path}.long.ts`);
      if (source === '') return [path];
      const words = [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title);
      return words.filter((title) => !source.includes(title)).map((title) => `${path} › ${title}`);
    });
    expect(wrong).toEqual([]);
  });

  it('names mutants that exist', () => {
    const lists = [...textOf(PROOFS).matchAll(/mutants? ((?:`[\w-]+`(?:, )?)+)/g)].map(([, list = '']) => list);
    const named = lists.flatMap((list) => [...list.matchAll(/[\w-]+/g)].map(([name]) => name));
    expect(named.length).toBeGreaterThan(50);
    expect(missing(named, new Set(MUTANTS.map(({ name }) => name)))).toEqual([]);
  });

  it('names files of code that exist', () => {
    const named = [...textOf(PROOFS).matchAll(/`([\w./-]+\.(?:ts|sql))`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(20);
    const names = [...files.keys()];
    expect(named.filter((name) => !names.some((file) => `/${file}`.endsWith(`/${name}`)))).toEqual([]);
  });
});

it('no file cites a paper that is not in the repository', () => {
  const citing = [...files].flatMap(([name, text]) =>
    text
      .split('\n')
      .flatMap((line, index) => (name !== SELF && PAPERS.test(line) ? [`${name}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(citing).toEqual([]);
});
