import { expect, it } from 'vitest';
import { sizeAsSold } from '../../activities/madeSize.ts';

/** What a provider says of a video's size, beside what was sold (MR-75). */

it.each([
  ['720p', '1280x720', '720p'],
  ['720p', '720x1280', '720p'],
  ['720P', '720p', '720P'],
  ['1080p', '1920x1088', '1080p'],
  ['480p', '832*480', '480p'],
  ['4K', '3840x2160', '4K'],
  ['1280x720', '720p', '1280x720'],
  ['720x1280', '720P', '720x1280'],
  ['1280x720', '1280 X 720', '1280x720'],
])('sold as %s, %s is the same', (sold, told, read) => {
  expect(sizeAsSold(sold, told)).toBe(read);
});

it.each([
  ['720p', '854x480', '480p'],
  ['720p', '480p', '480p'],
  ['1280x720', '480p', '480p'],
  ['1280x720', '1280x704', '1280x704'],
])('sold as %s, %s is another size', (sold, told, read) => {
  expect(sizeAsSold(sold, told)).toBe(read);
});

it.each([
  ['720p', '960x960'],
  ['480p', '704x544'],
  ['720p', '16:9'],
  ['1280x720', '16:9'],
  ['720p', 'auto'],
  ['720p', null],
  ['16:9', 'auto'],
])('sold as %s, nothing is known by %s', (sold, told) => {
  expect(sizeAsSold(sold, told)).toBeNull();
});
