/**
 * The places between two side effects at which a crash is tried by tests. In production `at` does nothing; a worker with
 * `CRASH_AT` kills itself at the named one.
 */
export const CRASH_POINTS = [
  'hold:before',
  'hold:after',
  'create:before',
  'create:begun',
  'create:made',
  'create:recorded',
  'look:before',
  'look:seen',
  'look:recorded',
  'find:before',
  'find:listed',
  'find:adopted',
  'settle:before',
  'settle:after',
  'archive:before',
  'archive:stored',
  'archive:recorded',
] as const;

/** The same of a text. */
export const TEXT_CRASH_POINTS = ['write:before', 'write:begun', 'write:written', 'write:recorded'] as const;

export type CrashPointName = (typeof CRASH_POINTS)[number] | (typeof TEXT_CRASH_POINTS)[number];

export type CrashPoint = (name: CrashPointName) => void;
