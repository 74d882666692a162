/**
 * The end of the hold, on the workflow's own clock. It is set from the time left that the database answered with, so no two
 * clocks are ever compared (MR-50).
 */
export interface Deadline {
  readonly atMs: number;
  leftMs(): number;
}

export function deadlineIn(timeLeftMs: number): Deadline {
  const atMs = Date.now() + timeLeftMs;
  return { atMs, leftMs: () => Math.max(0, atMs - Date.now()) };
}
