import { DRY_RUN_ELSEWHERE } from '../generations/payingRequest.ts';
import { invalid } from '../http/errors.ts';
import { plainText } from '../http/schemas.ts';

/** An offer has at most 32 parameters, so among one more there is one that it does not know. */
const MOST_PARAMETERS = 33;
const LONGEST_NAME = 100;
const text = plainText(32_000);

/**
 * The fields that only an offer can know. What no offer can have is refused here: it might not even be text that a database
 * takes. Raises `invalid_request`.
 */
export function toParameters(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const parameters = Object.entries(fields).map(([name, value]) => {
    if (name === 'dry_run') throw invalid(name, DRY_RUN_ELSEWHERE);
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) throw invalid(shown(name), 'is not a known field');
    if (typeof value === 'string' && value !== '' && !text.safeParse(value).success) {
      throw invalid(name, 'must be text of at most 32000 characters, without control characters or binary data');
    }
    // No parameter is a list, an object or a file: what is inside says nothing more.
    return [name, typeof value === 'object' ? {} : value] as const;
  });
  return Object.fromEntries(parameters.slice(0, MOST_PARAMETERS));
}

function shown(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}

/** The same whether they came as JSON or as a form. */
export function asTexts(parameters: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
}
