import type { WrittenText } from '../objects.ts';
import { oneLine } from '../output/clean.ts';
import type { Paint } from '../output/output.ts';

/** What was written, as far as it is. */
function writtenLines({ title, text, posts, output }: WrittenText): string[] {
  const parts = posts?.map((post, index) => `${index + 1}. ${post}`) ?? [title, text ?? output];
  return parts
    .filter((part) => part !== null && part !== '')
    .join('\n\n')
    .split('\n');
}

/** How it ended: state, the reason, the credits. */
export function endingLines({ id, object, status, error, credits }: WrittenText, paint: Paint): string[] {
  const name = object === 'script' ? 'Script' : 'Thread';
  const state = `${name} ${status.replace('_', ' ')}`;
  const reason = error === null ? [] : [`${error.code.toUpperCase()}: ${oneLine(error.message)}`];
  return [`${paint(status === 'failed' ? 'red' : 'green', state)} · ${id}`, ...reason, oneLine(credits.message)];
}

export function textLines(text: WrittenText, paint: Paint): string[] {
  return [...endingLines(text, paint), '', ...writtenLines(text)];
}
