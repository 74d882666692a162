import type { ActivityDependencies } from '../../../activities/index.ts';
import { type Provider, providersOf } from '../../../provider/index.ts';

/** The dependencies whose calls have an effect outside the process, or observe one. */
type Crashable = Pick<ActivityDependencies, 'ledger' | 'store' | 'archive' | 'archives'> & {
  readonly provider: Provider;
};
type Owner = keyof Crashable;

/** Before or after one call of an activity's dependency. */
interface CallSide {
  readonly owner: Owner;
  readonly method: string;
  readonly side: 'before' | 'after';
}

const before = <Of extends Owner>(owner: Of, method: keyof Crashable[Of] & string): CallSide => ({
  owner,
  method,
  side: 'before',
});
const after = <Of extends Owner>(owner: Of, method: keyof Crashable[Of] & string): CallSide => ({
  owner,
  method,
  side: 'after',
});

/** The points between every two side effects of a video's generation. */
const VIDEO_CALLS = {
  'hold:before': before('ledger', 'placeHold'),
  'hold:after': after('ledger', 'placeHold'),
  'create:before': before('store', 'beginAttempt'),
  'create:begun': after('store', 'beginAttempt'),
  'create:made': after('provider', 'createVideo'),
  'create:recorded': after('store', 'endAttempt'),
  'look:before': before('provider', 'retrieveVideo'),
  'look:seen': after('provider', 'retrieveVideo'),
  'look:recorded': after('store', 'recordLook'),
  // Not at the list itself, because the reconciler reads it too.
  'find:before': after('store', 'getOpenAttempt'),
  'find:listed': after('store', 'findListedBefore'),
  'find:adopted': after('store', 'adoptVideo'),
  'settle:before': before('ledger', 'settleGeneration'),
  'settle:after': after('ledger', 'settleGeneration'),
  'settle:told': after('store', 'listWebhooks'),
  'archive:starting': before('archives', 'start'),
  'archive:started': after('archives', 'start'),
  'archive:before': before('store', 'getArchiving'),
  'archive:stored': after('archive', 'write'),
  'archive:recorded': after('store', 'recordArchivedVideo'),
} as const;

/** The same points for a text. */
const TEXT_CALLS = {
  'write:before': before('store', 'beginText'),
  'write:begun': after('store', 'beginText'),
  'write:written': after('provider', 'writeText'),
  'write:recorded': after('store', 'endText'),
} as const;

export type VideoCrashPoint = keyof typeof VIDEO_CALLS;
export type CrashPoint = VideoCrashPoint | keyof typeof TEXT_CALLS;

const CALLS: Record<CrashPoint, CallSide> = { ...VIDEO_CALLS, ...TEXT_CALLS };

export const CRASH_POINTS = Object.keys(VIDEO_CALLS) as VideoCrashPoint[];
export const TEXT_CRASH_POINTS = Object.keys(TEXT_CALLS) as (keyof typeof TEXT_CALLS)[];

export function isCrashPoint(name: string | undefined): name is CrashPoint {
  return name !== undefined && Object.hasOwn(CALLS, name);
}

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** Wraps the dependencies so that `act` runs at the point, in local steps too. An error that it throws reaches the activity. */
export function interruptAt<Deps extends Partial<ActivityDependencies>>(
  deps: Deps,
  point: CrashPoint,
  act: () => void,
): Deps {
  const { owner, method, side } = CALLS[point];
  const interrupted = (target: Methods): Methods => ({
    ...target,
    [method]: async (...args: unknown[]) => {
      if (side === 'before') act();
      const result = await target[method]?.(...args);
      if (side === 'after') act();
      return result;
    },
  });
  if (owner === 'provider') {
    const provider = interrupted(deps.providers?.all[0] as unknown as Methods);
    return { ...deps, providers: providersOf([provider as unknown as Provider]) };
  }
  const hasty = deps.hasty as unknown as Record<string, Methods> | undefined;
  const local = hasty?.[owner];
  return {
    ...deps,
    [owner]: interrupted(deps[owner] as unknown as Methods),
    ...(local === undefined ? {} : { hasty: { ...hasty, [owner]: interrupted(local) } }),
  };
}
