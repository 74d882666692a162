import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { Directives, Fault, Point } from './directives.ts';
import { ApiError, errorResponse, usualCode, type Env } from './errors.ts';
import type { Store } from './store.ts';

const HANG_MS = 60_000;
const HTML = '<!doctype html><html><head><title>Gateway</title></head><body><h1>Please wait…</h1></body></html>';

/** Faults after which the video exists although the caller got no answer. */
const MADE = new Set<Fault['effect']>(['lost-reply', 'hang', 'html', 'empty']);

/** The faults of one request: a delay first, then perhaps something in place of the answer. */
export interface Suffering {
  delay_ms: number;
  fault: Fault | null;
}

/**
 * Counts a request at a point and returns its faults. Faults with a count take turns in the order of the
 * prompt (`[[poll:reset*2]][[poll:500*3]]`: two resets, then three 500s); delays come on top of them.
 */
export function suffer(store: Store, owner: string, { faults }: Directives, point: Point): Suffering {
  const here = faults.filter((fault) => fault.point === point);
  if (here.length === 0) return { delay_ms: 0, fault: null };
  const hit = store.increment(`${owner}/${point}`);
  const delay_ms = here
    .filter((fault) => fault.effect === 'slow' && hit < (fault.times ?? Infinity))
    .reduce((sum, fault) => sum + fault.delay_ms, 0);
  let spent = 0;
  for (const fault of here) {
    if (fault.effect === 'slow') continue;
    spent += fault.times ?? Infinity;
    if (hit < spent) return { delay_ms, fault };
  }
  return { delay_ms, fault: null };
}

/** Whether a submission with this fault still makes its video. */
export function makesVideo(fault: Fault | null): boolean {
  return fault === null || MADE.has(fault.effect);
}

/** Applies delay and fault; undefined if the true answer must follow. */
export async function endure(c: Context<Env>, suffering: Suffering, asked: Directives): Promise<Response | undefined> {
  if (!(await wait(c, suffering.delay_ms))) return RESPONSE_ALREADY_SENT;
  const { fault } = suffering;
  switch (fault?.effect) {
    case 'status':
      return injectedError(c, fault, asked);
    case 'reset':
    case 'lost-reply':
      return destroy(c);
    case 'html':
      return c.html(HTML);
    case 'empty':
      return c.json({});
    case 'hang':
      if (fault.point === 'create') return neverAnswer(c);
      return (await wait(c, HANG_MS)) ? undefined : RESPONSE_ALREADY_SENT;
    default:
      return undefined;
  }
}

function injectedError(c: Context<Env>, fault: Fault, asked: Directives): Response {
  if (asked.retry_after_seconds !== null) c.header('retry-after', String(asked.retry_after_seconds));
  const message = fault.message ?? `The simulator answers ${fault.status} because the prompt asked for it.`;
  return errorResponse(c, new ApiError(fault.status, fault.code ?? usualCode(fault.status), message));
}

/** Cuts the connection without an answer. */
export function destroy(c: Context<Env>): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

/** Holds the request until the caller gives up. */
export async function neverAnswer(c: Context<Env>): Promise<Response> {
  await wait(c, null);
  return RESPONSE_ALREADY_SENT;
}

/** Waits (null: forever); false if the caller has disconnected meanwhile. Doesn't keep the process alive. */
function wait(c: Context<Env>, ms: number | null): Promise<boolean> {
  const { outgoing } = c.env;
  if (ms === 0 || outgoing.destroyed) return Promise.resolve(!outgoing.destroyed);
  return new Promise((resolve) => {
    const gone = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const over = (): void => {
      outgoing.off('close', gone);
      resolve(true);
    };
    const timer = ms === null ? undefined : setTimeout(over, ms).unref();
    outgoing.once('close', gone);
  });
}
