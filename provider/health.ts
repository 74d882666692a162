import type { CreateResult, DeleteResult, ListResult, Provider, RetrieveResult, TextResult } from './types.ts';

/** `down`: calls get no usable answers; `back`: one did again. Reported once for each change. */
export type ProviderChange =
  | { readonly state: 'down'; readonly why: string }
  | { readonly state: 'back'; readonly failedCalls: number; readonly forMs: number };

/** This many unanswered calls in a row mean that the provider is down; fewer may be bad luck. */
const DOWN_AFTER = 3;

type Result = CreateResult | DeleteResult | ListResult | RetrieveResult | TextResult;

/** Wraps the provider and calls `onChange` when it goes down or comes back. */
export function watchHealth(provider: Provider, onChange: (change: ProviderChange) => void): Provider {
  let failed = 0;
  let sinceMs = 0;
  const seen = <Seen extends Result>(result: Seen): Seen => {
    const why = troubleOf(result);
    if (why === undefined) {
      if (failed >= DOWN_AFTER) onChange({ state: 'back', failedCalls: failed, forMs: Date.now() - sinceMs });
      failed = 0;
    } else {
      if (failed === 0) sinceMs = Date.now();
      failed += 1;
      if (failed === DOWN_AFTER) onChange({ state: 'down', why });
    }
    return result;
  };
  return {
    ...provider,
    createVideo: async (request) => seen(await provider.createVideo(request)),
    writeText: async (request, onOutput) => seen(await provider.writeText(request, onOutput)),
    retrieveVideo: async (id) => seen(await provider.retrieveVideo(id)),
    listVideos: async (page) => seen(await provider.listVideos(page)),
    deleteVideo: async (id) => seen(await provider.deleteVideo(id)),
  };
}

/** Whether this is trouble of the provider as a whole. An answer about one video (404, 400) is not. */
const TROUBLES: readonly number[] = [401, 403, 429];

function troubleOf(result: Result): string | undefined {
  switch (result.outcome) {
    case 'transient': {
      const { status, why } = result;
      return status === null || status >= 500 || TROUBLES.includes(status) ? why : undefined;
    }
    case 'ambiguous':
    case 'not_sent':
    case 'not_made':
    case 'operators_fault':
      return result.why;
    default:
      return undefined;
  }
}
