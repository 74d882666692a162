import { describe, expect, it } from 'vitest';
import { z } from '@hono/zod-openapi';
import { describeIssue } from '../../api/http/issues.ts';

describe('what a validator finds is told in words', () => {
  const told = (schema: z.ZodType, value: unknown) => {
    const { error } = z.strictObject({ field: schema }).safeParse({ field: value });
    return error === undefined ? 'nothing' : describeIssue(error, 'json').message;
  };
  it.each<[string, z.ZodType, unknown]>([
    ['field is required.', z.string(), undefined],
    ['field must be true or false.', z.boolean(), 'x'],
    ['field must be at least 1.', z.number().min(1), 0],
    ['field must be at most 5.', z.number().max(5), 6],
    ['field must be more than 5.', z.number().gt(5), 5],
    ['field must be a multiple of 2.', z.number().multipleOf(2), 3],
    ['field must be a whole number.', z.number().int(), 1.5],
    ['field must have at least 2 characters.', z.string().min(2), 'a'],
    ['field must have at least 1 item.', z.array(z.string()).min(1), []],
    ['field must have at most 1 item.', z.array(z.string()).max(1), ['a', 'b']],
    ['field.0 must be text.', z.array(z.string()), [7]],
    ['field must be "a".', z.literal('a'), 'b'],
    ['field must be one of "a", "b" or "c".', z.enum(['a', 'b', 'c']), 'd'],
    ['field must be an object.', z.record(z.string(), z.string()), 'x'],
    [
      'field.long_name has a name that must have at most 3 characters.',
      z.record(z.string().max(3), z.string()),
      { long_name: 'x' },
    ],
    ['field must be text or a number.', z.union([z.string(), z.number()]), true],
    ['field is wrong: id must be text.', z.union([z.string(), z.object({ id: z.string() })]), { id: 7 }],
    ['field has the wrong format.', z.string().regex(/^a/), 'b'],
    ['field must begin with a.', z.string().regex(/^a/, 'must begin with a'), 'b'],
    ['field must be a file.', z.instanceof(File), 'x'],
  ])('%s', (message, schema, value) => {
    expect(told(schema, value)).toBe(message);
  });
});
