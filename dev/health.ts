import type { Endpoints } from './summary.ts';

/** How the parts of a running stack are, each with its pid, as seen from outside. */

const LIMIT_MS = 5000;

export interface PartHealth {
  readonly name: keyof Endpoints['pids'];
  /** Null: a server of the user's own. */
  readonly pid: number | null;
  readonly ok: boolean;
  readonly health: string;
}

/** Asks every part at once; never raises, and takes little more than five seconds at most. */
export async function examineParts({ api, workerMetrics, provider, pids }: Endpoints): Promise<PartHealth[]> {
  const [ready, worker, simulator] = await Promise.all([
    askWhetherReady(`${api}/readyz`),
    answers(workerMetrics),
    answers(provider),
  ]);
  const part = (name: PartHealth['name'], ok: boolean, health = ok ? 'answers' : 'does not answer'): PartHealth => ({
    name,
    pid: pids[name],
    ok,
    health,
  });
  // Only the API is asked about these two: what it sees is what counts.
  const seen = (name: PartHealth['name'], isUp: boolean | undefined) =>
    part(name, isUp === true, isUp === undefined ? 'unknown: the API does not answer' : undefined);
  return [
    part('api', ready?.ok === true, ready?.ok === false ? 'answers, but is not ready' : undefined),
    part('worker', worker),
    seen('postgres', ready?.database),
    seen('temporal', ready?.temporal),
    // Your own provider is the doctor's to examine, with its key.
    ...(pids.simulator === null ? [] : [part('simulator', simulator)]),
  ];
}

/** `  worker      pid 4711   answers`, one line a part. */
export function partLines(parts: readonly PartHealth[]): string[] {
  return parts.map(({ name, pid, health }) => {
    const process = pid === null ? 'your own' : `pid ${pid}`;
    return `  ${name.padEnd(12)}${process.padEnd(14)}${health}`;
  });
}

async function askWhetherReady(
  url: string,
): Promise<{ ok: boolean; database: boolean; temporal: boolean } | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
    const { database, temporal } = (await answer.json()) as { database: boolean; temporal: boolean };
    return { ok: answer.ok, database, temporal };
  } catch {
    return undefined;
  }
}

/** Any answer will do: the simulator has nothing at the root of its API. */
async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
    return true;
  } catch {
    return false;
  }
}
