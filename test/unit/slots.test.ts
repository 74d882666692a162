import { expect, it } from 'vitest';
import { Slots } from '../../activities/slots.ts';

it('one tenant takes no more places than are for one, and all together no more than there are', () => {
  const slots = new Slots(3, 2);
  const first = slots.enter('a');
  expect(first).toBeDefined();
  expect(slots.enter('a')).toBeDefined();
  expect(slots.enter('a')).toBeUndefined();
  expect(slots.enter('b')).toBeDefined();
  expect(slots.enter('c')).toBeUndefined();
  first?.();
  expect(slots.enter('c')).toBeDefined();
  expect(slots.enter('a')).toBeUndefined();
});
