/** The limits of worker/main.ts; no test copies enough to reach them. */
export const COPY_LIMITS = {
  maximumBytes: 4 * 1024 ** 3,
  leastBytes: 256 * 1024,
  withinMs: 30_000,
  tryMs: 59 * 60_000,
};
