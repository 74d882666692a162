/** As in worker/main.ts: nothing that a test copies comes near them. */
export const COPY_LIMITS = {
  maximumBytes: 4 * 1024 ** 3,
  leastBytes: 256 * 1024,
  withinMs: 30_000,
  tryMs: 59 * 60_000,
};
