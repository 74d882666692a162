/** Of a video of 16:9 or 9:16, by its shorter side. Others of the same resolution have other sides, by the server's own reckoning. */
const RESOLUTIONS = [240, 360, 480, 540, 576, 720, 768, 1080, 1440, 2160];
const WIDE = 16 / 9;
/** Servers round sides to multiples of 8 or 16: 832x480 for 480p, 1920x1088 for 1080p. */
const TOLERANCE = 0.04;

const WORDS = new Map([
  ['2k', '1440p'],
  ['4k', '2160p'],
]);

/**
 * What a provider says of a video's size, in the words in which it was sold, so that the two can be compared: where a resolution such
 * as `720p` was sold, the resolution of `1280x720`. Null where they can't be compared: then nothing is known of it (MR-75).
 */
export function sizeAsSold(sold: string | null, told: string | null): string | null {
  if (sold === null || told === null || told === sold) return told;
  const sides = sidesOf(told);
  const resolution = sides === null ? resolutionNamed(told) : resolutionOf(sides);
  const soldSides = sidesOf(sold);
  if (soldSides !== null) {
    if (sides !== null) return `${sides.width}x${sides.height}`;
    return resolution !== null && resolution === resolutionOf(soldSides) ? sold : resolution;
  }
  return resolution !== null && resolution === resolutionNamed(sold) ? sold : resolution;
}

/** Whether a video surely has the size that was asked for: `720p` is told of 1280x720 and of 720x1280 as well. */
export function isSizeAsked(asked: string, told: string | null): boolean {
  if (told === null || (sidesOf(asked) !== null && sidesOf(told) === null)) return false;
  return sizeAsSold(asked, told) === asked;
}

interface Sides {
  readonly width: number;
  readonly height: number;
}

function sidesOf(size: string): Sides | null {
  const sides = /^(\d{2,5})[x×*](\d{2,5})$/i.exec(size.replaceAll(' ', ''));
  return sides === null ? null : { width: Number(sides[1]), height: Number(sides[2]) };
}

function resolutionNamed(size: string): string | null {
  const word = size.trim().toLowerCase();
  return /^\d{3,4}p$/.test(word) ? word : (WORDS.get(word) ?? null);
}

function resolutionOf({ width, height }: Sides): string | null {
  const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
  if (!isNear(longer / shorter, WIDE)) return null;
  const named = RESOLUTIONS.find((lines) => isNear(shorter, lines));
  return named === undefined ? null : `${named}p`;
}

function isNear(figure: number, wanted: number): boolean {
  return Math.abs(figure / wanted - 1) <= TOLERANCE;
}
