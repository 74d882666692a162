import type { WriteStream } from 'node:tty';

/** What a command knows of the process it runs in. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly home: string;
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** What is done when the process is stopped, by Ctrl-C above all: clears up, and returns what to print. The last one set counts. */
  whenStopped: () => string | undefined;
  /** What the process ends with if the command does not fail. */
  exitCode: number;
}

export type Stream = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number };
