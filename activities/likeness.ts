import type { OpenAttempt } from '../store/index.ts';
import type { ProviderVideo } from '../provider/index.ts';

/**
 * How much a listed video looks like what an attempt asked for (MR-32, MR-34).
 * `equal`: all that a list shows is as it was sent. `normalised`: the same, but for changes to the text that servers make
 * (line ends, outer space, Unicode form). `perhaps`: its text is a changed or cut echo of ours, or is not shown. `other`: it
 * has a text of its own.
 */
export type Likeness = 'equal' | 'normalised' | 'perhaps' | 'other';

type Asked = Pick<OpenAttempt, 'prompt' | 'model' | 'seconds' | 'size' | 'remixedFrom'>;

export function likenessOf(video: ProviderVideo, asked: Asked): Likeness {
  if (video.prompt === null) return 'perhaps';
  const sameKind =
    video.model === asked.model &&
    video.seconds === asked.seconds &&
    video.size === asked.size &&
    video.remixedFrom === asked.remixedFrom;
  if (sameKind && video.prompt === asked.prompt) return 'equal';
  const [shownWide, askedWide] = [wideForm(video.prompt), wideForm(asked.prompt)];
  if (!isEcho(shownWide, askedWide)) return 'other';
  const mayBeSame = sameKind && shownWide === askedWide;
  return mayBeSame && normalForm(video.prompt) === normalForm(asked.prompt) ? 'normalised' : 'perhaps';
}

function normalForm(text: string): string {
  return text.normalize('NFC').replace(/\r\n?/g, '\n').trim();
}

/**
 * The letters and digits alone: what is left of a text whatever a server does to its spaces, marks and case. Marks go first:
 * to put a long row of them in order takes the square of its length, and a listed text may be nothing else.
 */
export function wideForm(text: string): string {
  return text
    .replace(/\p{M}+/gu, '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** Whether one of two texts in wide form may be the other, cut or with words added at its end. Without letters, it may be any. */
function isEcho(shown: string, asked: string): boolean {
  return asked.startsWith(shown) || shown.startsWith(asked);
}
