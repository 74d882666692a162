import { formatCredits } from '../../contracts/money.ts';
import type { Quote } from '../objects.ts';
import { oneLine } from '../output/clean.ts';
import type { Paint } from '../output/output.ts';

export function quoteLines(quote: Quote, paint: Paint): string[] {
  const { object, amount, available_microcredits: available, error } = quote;
  const price = `${object === 'video.quote' ? '' : 'at most '}${amount} credits; ${formatCredits(available)} are available.`;
  const verdict = quote.would_be_accepted ? paint('green', 'Would be accepted') : paint('red', 'Would be refused');
  return [`${verdict}: ${price}`, ...(error === null ? [] : [oneLine(error.message)])];
}
