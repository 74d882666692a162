import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROCESSES } from './plan.ts';
import type { Site } from './site.ts';

/** What our processes logged as an error (pino's 50 and above), and how often. Each needs an explanation. */

const ERROR = 50;
/** How the API logs an `internal_error`. */
const FAILED = 'api: a request failed';

interface Line {
  readonly level?: number;
  readonly process?: string;
  readonly msg?: string;
  readonly err?: { readonly name?: string; readonly code?: string; readonly message?: string };
}

export async function readErrors({ folder }: Site): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const name of PROCESSES) {
    const text = await readFile(join(folder, `${name}.log`), 'utf8');
    for (const { level = 0, process: of, msg, err } of text.split('\n').map(parse)) {
      if (level < ERROR) continue;
      const cause = [err?.name, err?.code, err?.message].filter((word) => word !== undefined).join(' ');
      const line = `${of}: ${msg}${cause === '' ? '' : ` (${cause})`}`
        .replaceAll(/[0-9a-f]{32}|\d{4,}/g, '…')
        .slice(0, 140);
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
  }
  return counts;
}

/** A fault from outside is answered 503, never 500. */
export function checkErrors(logged: ReadonlyMap<string, number>): string[] {
  return [...logged.keys()]
    .filter((line) => line.startsWith(FAILED))
    .map((line) => `a client was answered 500: ${line}`);
}

/** Not everything is JSON: a stack trace at a crash is not. */
function parse(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return {};
  }
}
