import { withoutDirectives } from './directives.ts';

/** Blocked words in the form that `normalise` returns (no doubled letters, no plural), each with the distance of a misspelling. */
const BLOCKED = new Map([
  ['cigarete', 2],
  ['ecigarete', 2],
  ['nicotine', 2],
  ['cigarilo', 1],
  ['cigar', 1],
  ['tobaco', 1],
  ['tobaconist', 1],
  ['marlboro', 1],
  ['iqos', 1],
  ['cig', 0],
  ['ecig', 0],
  ['snus', 0],
  ['hokah', 0],
  ['vape', 0],
  ['vaped', 0],
  ['vaper', 0],
  ['vaping', 0],
]);

/** Everyday words that resemble a blocked one. */
const ORDINARY = new Set(['tobago', 'ios', 'iqs']);

const UUID = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g;

const LOOKALIKES: Record<string, string> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '@': 'a', $: 's' };

/** Whether a prompt asks for tobacco, misspelled too. "cigar-shaped" describes a form and passes. */
export function isBlocked(prompt: string): boolean {
  return words(withoutDirectives(prompt)).some(
    (word) => !ORDINARY.has(word) && [...BLOCKED].some(([blocked, limit]) => isWithin(word, blocked, limit)),
  );
}

function words(prompt: string): string[] {
  const plain = prompt
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/cigar[\s-]shaped/g, ' ')
    // An id is no word: of 1,700 UUIDs, one would read like a brand in which a letter is wrong.
    .replace(UUID, ' ')
    .replace(/[013450@$]/g, (sign) => LOOKALIKES[sign] ?? sign);
  return (plain.match(/[a-z]+/g) ?? []).map(normalise);
}

function normalise(word: string): string {
  const collapsed = word.replace(/(.)\1+/g, '$1');
  return collapsed.length > 4 || collapsed === 'cigs' ? collapsed.replace(/s$/, '') : collapsed;
}

/** Whether two words are at most `limit` insertions, deletions or substitutions apart. */
function isWithin(a: string, b: string, limit: number): boolean {
  if (limit === 0 || a === b) return a === b;
  if (Math.abs(a.length - b.length) > limit) return false;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit) return false;
    previous = current;
  }
  return (previous[b.length] ?? Infinity) <= limit;
}
