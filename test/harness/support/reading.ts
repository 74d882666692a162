import { dialectCalled } from '../../../provider/dialects/index.ts';
import type { Reading } from '../../../provider/videoObject.ts';

/** How answers are read in this dialect; nothing is taken out of their texts. */
export function readingIn(name: string, redact: Reading['redact'] = (text) => text): Reading {
  const dialect = dialectCalled(name);
  if (dialect === undefined) throw new Error(`there is no dialect ${name}`);
  return { redact, dialect };
}
