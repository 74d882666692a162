import type { z } from '@hono/zod-openapi';

/** What a validator found, in sentences. They never contain the value that was sent. */

type Issue = z.core.$ZodIssue;

const LONGEST_NAME = 100;

/** The `param` and the message of the first issue. `target` is the part of the request that was validated. */
export function describeIssue(error: z.core.$ZodError, target: string): { param: string | undefined; message: string } {
  const issue = error.issues.find(isExplained) ?? error.issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const whole = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])].join('.');
  // An unknown field may have a name of any length.
  const path = whole.length > LONGEST_NAME ? `${whole.slice(0, LONGEST_NAME)}…` : whole;
  const param = path === '' ? undefined : path;
  if (unknownKey !== undefined && issue !== undefined) {
    if (isExplained(issue)) return { param, message: `${path} ${issue.message}.` };
    return { param, message: `${path} is not a known ${target === 'query' ? 'query parameter' : 'field'}.` };
  }
  return { param, message: `${param ?? 'The body'} ${issue === undefined ? 'is wrong' : faultOf(issue, target)}.` };
}

/** An unknown field that a schema has an explanation for, which helps more than what else is wrong. */
function isExplained({ code, message }: Issue): boolean {
  return code === 'unrecognized_keys' && message.startsWith('must ');
}

/** `"a" or "b"`, `one of "a", "b" or "c"`. */
export function oneOf(values: readonly unknown[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  return `${quoted.length > 2 ? 'one of ' : ''}${ALTERNATIVES.format(quoted)}`;
}

const ALTERNATIVES = new Intl.ListFormat('en-GB', { type: 'disjunction' });

function faultOf(issue: Issue, target: string): string {
  // The schemas' own messages begin so; zod's never do.
  if (issue.message.startsWith('must ')) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      // Zod removes the value from its issues, but their messages say of what type it was.
      if (issue.message.endsWith('received undefined')) return 'is required';
      if (isRepeatable(target) && issue.message.endsWith('received array')) return 'must be sent once';
      return `must be ${NAME_OF_TYPE[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return `must ${boundOf(issue.origin, Number(issue.minimum), issue.inclusive === false, SMALL)}`;
    case 'too_big':
      return `must ${boundOf(issue.origin, Number(issue.maximum), issue.inclusive === false, BIG)}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return unionFault(issue.errors, target);
    case 'invalid_key':
      return `has a name that ${issue.issues[0] === undefined ? 'is wrong' : faultOf(issue.issues[0], target)}`;
    case 'invalid_element':
      return `has an item that ${issue.issues[0] === undefined ? 'is wrong' : faultOf(issue.issues[0], target)}`;
    case 'invalid_format':
      return 'has the wrong format';
    case 'unrecognized_keys':
      return 'has an unknown field';
    case 'custom':
      return 'is wrong';
  }
}

/** A parameter or a part of a form that comes twice is validated as a list. */
function isRepeatable(target: string): boolean {
  return target === 'query' || target === 'form';
}

const NAME_OF_TYPE: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  file: 'a file',
  File: 'a file',
};

interface Bound {
  readonly inclusive: string;
  readonly exclusive: string;
  readonly count: string;
}

const SMALL: Bound = { inclusive: 'at least', exclusive: 'more than', count: 'at least' };
const BIG: Bound = { inclusive: 'at most', exclusive: 'less than', count: 'at most' };

const COUNTED: Record<string, string> = { string: 'character', array: 'item', set: 'item', file: 'byte' };

function boundOf(origin: string, bound: number, isExclusive: boolean, words: Bound): string {
  const counted = COUNTED[origin];
  if (counted === undefined) return `be ${isExclusive ? words.exclusive : words.inclusive} ${bound}`;
  return `have ${words.count} ${bound} ${counted}${bound === 1 ? '' : 's'}`;
}

/** Of alternatives that are all of another type, each is named; else the one that is told of goes farthest. */
function unionFault(alternatives: readonly (readonly Issue[])[], target: string): string {
  const faults = alternatives.flatMap(([first]) => (first === undefined ? [] : [first]));
  const deepest = faults.toSorted((one, other) => other.path.length - one.path.length)[0];
  if (deepest !== undefined && deepest.path.length > 0)
    return `is wrong: ${deepest.path.join('.')} ${faultOf(deepest, target)}`;
  const needs = [...new Set(faults.map((fault) => faultOf(fault, target).replace(/^must be /, '')))];
  return needs.length === 0 ? 'is wrong' : `must be ${ALTERNATIVES.format(needs)}`;
}
