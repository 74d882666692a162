/** The exit codes, a part of the public contract (docs/cli.md). */
export const EXIT = { done: 0, refused: 1, wrongUse: 2, notReachable: 3, stopped: 130 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command: the message is one plain line for people. */
export class Failure extends Error {
  override readonly name: string = 'Failure';
  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.refused,
  ) {
    super(message);
  }
}

export function wrongUse(message: string): Failure {
  return new Failure(message, EXIT.wrongUse);
}

/** What the system says of a file or a stream, in words; its own code for what has none. */
export function reasonOf(error: unknown): string {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return REASONS.get(code) ?? code;
}

const REASONS = new Map([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EFBIG', 'the file would be too large'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOENT', 'no such file or folder'],
  ['ENOTDIR', 'a part of the path is no folder'],
  ['EISDIR', 'it is a folder'],
  ['EEXIST', 'it exists already'],
  ['EIO', 'the disk failed'],
]);
