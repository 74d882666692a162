/** Variables of Temporal's own library that `.env.example` does not name. */
const OF_TEMPORAL = /^TEMPORAL_(TLS_\w+_DATA|TLS_DISABLE_HOST_VERIFICATION|GRPC_META_\w+|CODEC_\w+)$/;

/**
 * The setting that an unknown name is probably meant to be: one that is a slip or two away, or one that has all of
 * its words. Undefined for a known name and for one that resembles none.
 */
export function likelySetting(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name) || OF_TEMPORAL.test(name)) return undefined;
  const written = name.toUpperCase();
  const ours = written.replace(/^HOLDFAST_/, '');
  if (ours !== written)
    return known.find((setting) => setting === ours) ?? likelySetting(ours, known) ?? 'HOLDFAST_DIR';
  const slips = known.map((setting) => ({ setting, count: slipsBetween(written, setting) }));
  const [nearest] = slips.toSorted((one, other) => one.count - other.count);
  // In a short name two slips make any other word.
  if (nearest !== undefined && nearest.count <= (written.length > 6 ? 2 : 1)) return nearest.setting;
  const words = written.split('_');
  return words.length < 2
    ? undefined
    : known.find((setting) => words.every((word) => setting.split('_').includes(word)));
}

/** How many letters are missing, too many, wrong, or swapped with the next one (optimal string alignment). */
function slipsBetween(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const wrong = one[row - 1] === other[column - 1] ? 0 : 1;
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + wrong,
        swapped ? (before[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    before = last;
    last = current;
  }
  return last[other.length] ?? 0;
}
