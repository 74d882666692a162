import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import { isSizeAsked } from './madeSize.ts';
import type { OpenAttempt } from '../store/index.ts';
import type { ProviderVideo } from '../provider/index.ts';

/**
 * How closely a listed video matches what an attempt asked for (MR-32, MR-34).
 * `equal`: everything that the list shows is as sent. `normalised`: the same, except for changes that servers make to the text
 * (line ends, outer space, Unicode form). `perhaps`: its text may be a changed or cut form of ours, or is not shown. `other`: its
 * text is a different one.
 */
export type Likeness = 'equal' | 'normalised' | 'perhaps' | 'other';

type Asked = Pick<OpenAttempt, 'prompt' | 'model' | 'seconds' | 'size' | 'remixedFrom'>;

export function likenessOf(video: ProviderVideo, asked: Asked): Likeness {
  if (video.prompt === null) return 'perhaps';
  const sameKind =
    video.model === asked.model &&
    video.seconds === asked.seconds &&
    isSizeAsked(asked.size, video.size) &&
    isSameOriginal(video.remixedFrom, asked.remixedFrom);
  if (sameKind && video.prompt === asked.prompt) return 'equal';
  const [shownWide, askedWide] = [wideForm(video.prompt), wideForm(asked.prompt)];
  if (!isEcho(shownWide, askedWide)) return 'other';
  const mayBeSame = sameKind && shownWide === askedWide;
  return mayBeSame && normalForm(video.prompt) === normalForm(asked.prompt) ? 'normalised' : 'perhaps';
}

function isSameOriginal(shown: string | null, asked: string | null): boolean {
  return shown === null || asked === null ? shown === asked : canonicalVideoId(shown) === canonicalVideoId(asked);
}

function normalForm(text: string): string {
  return text.normalize('NFC').replace(/\r\n?/g, '\n').trim();
}

/**
 * A text's letters and digits, which survive whatever a server does to spaces, marks and case. Marks are removed first:
 * normalising a long row of them takes quadratic time, and a listed text may consist of nothing else.
 */
export function wideForm(text: string): string {
  return text
    .replace(/\p{M}+/gu, '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** Whether one text in wide form may be the other, cut or with words added at its end. A text without letters may be any. */
function isEcho(shown: string, asked: string): boolean {
  return asked.startsWith(shown) || shown.startsWith(asked);
}
