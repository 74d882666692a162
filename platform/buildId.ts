import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

export interface Build {
  readonly id: string;
  readonly bundlePath: string;
}

/** As many characters tell builds apart as tell commits apart. */
const ID_LENGTH = 12;

/**
 * The build of these workflows: its id is the hash of their bundle, so workers with the same workflows are one version. Whether a
 * worker traces makes no other version, or a change of that setting would strand what is open. An earlier build that `npm start` has
 * kept may have no bundle for tracing: then its workflows aren't traced.
 */
export function readBuild(bundlePath: string, { traced = false } = {}): Build {
  const id = createHash('sha256').update(readFileSync(bundlePath)).digest('hex').slice(0, ID_LENGTH);
  const tracedPath = bundlePath.replace(/\.js$/, '.traced.js');
  return { id, bundlePath: traced && existsSync(tracedPath) ? tracedPath : bundlePath };
}
