import { createProvider, type ProviderSettings } from './client.ts';
import { dialectCalled } from './dialects/index.ts';
import { NoTurn } from './turns.ts';
import type { Provider, Trouble } from './types.ts';

/**
 * Asks a provider for something small. Returns undefined when it is there, else why it is not, in an operator's words; null when it
 * was not asked, because it gets as many requests a minute as it may.
 */
export type Probe = () => Promise<string | undefined | null>;

/** Longer than a list takes, for a server may encode a video in the process that answers. */
const ANSWERS_WITHIN_MS = 10_000;

/** An id that no provider has given. */
const NOBODYS_VIDEO = 'video_probe_of_holdfast';

/**
 * A probe makes nothing, and no customer's video decides it: when the list of the newest one fails, it looks at a video that
 * does not exist. Refusals (401, 403, 404, 429) are answers: a provider that gives them is there.
 */
export function createProbe(settings: ProviderSettings): Probe {
  const probe = createUnlimited(settings);
  return () =>
    probe().catch((error: unknown) => {
      if (error instanceof NoTurn) return null;
      throw error;
    });
}

function createUnlimited(settings: ProviderSettings): () => Promise<string | undefined> {
  const { callTimeoutMs = ANSWERS_WITHIN_MS } = settings;
  const provider: Pick<Provider, 'listVideos' | 'retrieveVideo' | 'askModels'> = createProvider({
    ...settings,
    callTimeoutMs,
  });
  if (dialectCalled(settings.dialect ?? 'auto')?.probe === 'models') {
    return async () => {
      const answered = await provider.askModels();
      return answered.outcome !== 'transient' || isAnswer(answered) ? undefined : answered.why;
    };
  }
  return async () => {
    const listed = await provider.listVideos({ limit: 1 });
    if (listed.outcome !== 'transient' || isAnswer(listed)) return undefined;
    const seen = await provider.retrieveVideo(NOBODYS_VIDEO);
    return seen.outcome !== 'transient' || isAnswer(seen) ? undefined : listed.why;
  };
}

/** 501: it has no such route. */
function isAnswer({ status }: Trouble): boolean {
  return status !== null && (status < 500 || status === 501);
}
