import { type Answer, readAnswer, unreadable } from './answer.ts';
import { type Capabilities, capabilitiesOf, dialectOf } from './dialects/index.ts';
import { describeTrouble, headersOfError } from './errors.ts';
import type { ListResult } from './types.ts';
import { parsePage, type Reading } from './videoObject.ts';

/** What a page proves is decided by its own answer: `auto` recognises a dialect by that. */
export async function listVideos(
  request: () => Promise<Response>,
  limit: number,
  { redact, dialect }: Reading,
  can: Partial<Capabilities> | undefined,
): Promise<ListResult> {
  let answer: Answer;
  try {
    answer = await readAnswer(await request());
  } catch (error) {
    const trouble = describeTrouble(error, redact);
    const { noneStatuses } = dialectOf(dialect, headersOfError(error)).list;
    const isNone = trouble.status !== null && trouble.debt === null && noneStatuses.includes(trouble.status);
    return isNone ? { outcome: 'no_list', why: trouble.why } : { outcome: 'transient', ...trouble };
  }
  const spoken = dialectOf(dialect, answer.headers);
  const read = parsePage(answer.body, limit, { redact, dialect: spoken });
  if (read === null) return unreadable(answer);
  const { tellsMore, ...page } = read;
  const shown = capabilitiesOf(spoken, can);
  if (shown.list === 'none') return { outcome: 'no_list', why: 'by its settings' };
  const videos = shown.listShowsPrompts ? page.videos : page.videos.map((video) => ({ ...video, prompt: null }));
  return {
    ...page,
    videos,
    isComplete: shown.list === 'authoritative' && tellsMore,
    dialect: spoken.name,
    clockSkewMs: answer.clockSkewMs,
  };
}
