/**
 * The end of the hold, on the workflow's own clock. It is computed from the time left that the database returned, so two
 * clocks are never compared (MR-50).
 */
export interface Deadline {
  readonly atMs: number;
  leftMs(): number;
}

export function deadlineIn(timeLeftMs: number): Deadline {
  const atMs = Date.now() + timeLeftMs;
  return { atMs, leftMs: () => Math.max(0, atMs - Date.now()) };
}
