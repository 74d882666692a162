import { describe, expect, it } from 'vitest';
import { readIdempotencyKey, requireIdempotencyKey } from '../../api/http/idempotencyKey.ts';

// MR-90
describe.each([
  ['a route that may be repeated', readIdempotencyKey],
  ['a route that requires a key', requireIdempotencyKey],
])('the Idempotency-Key of %s', (_route, read) => {
  it.each(['k', 'k'.repeat(255), 'order 42', '!~'])('may be %j', (key) => {
    expect(read(key)).toBe(key);
  });

  it.each(['', 'a\tb', 'schlüssel', 'a\u0000'])('is refused when it is %j', (key) => {
    expect(() => read(key)).toThrow('Idempotency-Key must have 1 to 255 characters, all of them printable ASCII.');
  });

  it('is refused when it is too long, with its length', () => {
    expect(() => read('k'.repeat(256))).toThrow('Idempotency-Key has 256 characters; it may have 255.');
  });
});

describe('without an Idempotency-Key', () => {
  it('a route that may be repeated has none', () => {
    expect(readIdempotencyKey(undefined)).toBeNull();
  });

  it('a route that requires one refuses', () => {
    expect(() => requireIdempotencyKey(undefined)).toThrow('Idempotency-Key is required here.');
  });
});
