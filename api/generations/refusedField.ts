import type { RefusedField } from '../../contracts/offers.ts';
import { type ApiError, invalid } from '../http/errors.ts';
import { oneOf } from '../http/issues.ts';

const ADVICE = 'GET /v1/models lists what is sold of each model.';

/** By the names of `RefusedField`. */
export type FieldNames = Readonly<Record<string, string>>;

/** The refusal of a field that is none of what is sold of the model. */
export function refusedField(refused: RefusedField, names: FieldNames = {}): ApiError {
  const param = names[refused.param] ?? refused.param;
  return invalid(param, refused.param === 'seconds' ? wrongLength(refused) : faultInWords(refused), ADVICE);
}

function faultInWords({ fault, rule }: RefusedField): string {
  const { min = 0, max = 0, step = 0, max_length: maximum = 0, max_items: most = 0, values = [] } = rule ?? {};
  switch (fault) {
    case 'unknown':
      return 'is not a known field';
    case 'flags':
      return 'must not have options like "--name value": the model would read them; send them as fields';
    case 'no_boolean':
      return 'must be true or false';
    case 'no_integer':
      return 'must be a whole number';
    case 'no_number':
      return 'must be a number with at most 10 decimal places';
    case 'too_small':
      return `must be at least ${min}`;
    case 'too_large':
      return `must be at most ${max}`;
    case 'no_step':
      return `must be ${min} or more by steps of ${step}`;
    case 'no_value':
      return `must be ${oneOf(values)}`;
    case 'no_string':
      return 'must be text';
    case 'too_long':
      return `must have at most ${maximum} characters`;
    case 'too_many':
      return `must have at most ${most} image${most === 1 ? '' : 's'}`;
  }
}

/** Many lengths are told as a range. */
const MOST_LISTED = 8;

function wrongLength({ rule }: RefusedField): string {
  const lengths = (rule?.values ?? []).map(Number);
  const [first = 0, second = 0] = lengths;
  const step = second - first;
  const isRange = lengths.length > MOST_LISTED && lengths.every((length, n) => length === first + n * step);
  if (!isRange) return `must be ${oneOf(lengths.map(String))}, as text`;
  const steps = step === 1 ? '' : `, in steps of ${step}`;
  return `must be a whole number from "${first}" to "${lengths.at(-1)}"${steps}, as text`;
}
