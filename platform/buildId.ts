import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface Build {
  readonly id: string;
  readonly bundlePath: string;
}

/** As many characters tell builds apart as tell commits apart. */
const ID_LENGTH = 12;

/** The build of these workflows: its id is the hash of their bundle, so workers with the same workflows are one version. */
export function readBuild(bundlePath: string): Build {
  return { id: createHash('sha256').update(readFileSync(bundlePath)).digest('hex').slice(0, ID_LENGTH), bundlePath };
}
