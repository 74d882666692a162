import { expect, it } from 'vitest';
import { Lanes } from '../../activities/lanes.ts';

it('one tenant takes no more places than are for one, and all together no more than there are', () => {
  const lanes = new Lanes(3, 2);
  const first = lanes.enter('a');
  expect(first).toBeDefined();
  expect(lanes.enter('a')).toBeDefined();
  expect(lanes.enter('a')).toBeUndefined();
  expect(lanes.enter('b')).toBeDefined();
  expect(lanes.enter('c')).toBeUndefined();
  first?.();
  expect(lanes.enter('c')).toBeDefined();
  expect(lanes.enter('a')).toBeUndefined();
});
