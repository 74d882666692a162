import { createHash } from 'node:crypto';
import { canonicalVideoId } from '../../../contracts/providerVideoId.ts';
import type { Evidence, Made, Recorded } from './evidence.ts';
import { PROVIDERS } from './plan.ts';
import { SOLD } from './sold.ts';
import type { Sold } from './sold.ts';
import { groupBy, tally } from './tally.ts';

/** Compares the books with the providers' own data, which no code of ours has written. */

/** The records of the provider's videos; each video is counted once. */
export interface VideoRecords {
  /** Owned by a generation. */
  owned: number;
  /** A late answer named it, after its attempt was closed: the event `orphan_video`. */
  orphans: number;
  /** Its attempt is open: it may have arrived, and the hold waited for its time (MR-35). */
  open: number;
  /** Its attempt was looked for, not found, and closed: it came later than the provider's list is waited for. */
  notFound: number;
}

/** No provider video without a record, and none of more creates than were committed before their call. */
export function checkVideos({ generations, videos, creates }: Evidence): {
  records: VideoRecords;
  violations: string[];
} {
  const records: VideoRecords = { owned: 0, orphans: 0, open: 0, notFound: 0 };
  const byPrompt = groupBy(generations, ({ prompt }) => prompt);
  const violations: string[] = [];
  for (const [prompt, made] of groupBy(videos, (video) => video.prompt)) {
    const asking = byPrompt.get(prompt) ?? [];
    const unrecorded = countRecords(asking, made, records);
    for (const { id, provider } of made.filter((video) => asking.every((each) => each.provider !== video.provider)))
      violations.push(`${id} of ${provider} was made for what no create there was begun: ${inWords(asking)}`);
    if (unrecorded.length > 0) {
      const ids = unrecorded.map(({ id, provider }) => `${id} at ${provider}`).join(', ');
      violations.push(`${ids} has no record; asked for by ${inWords(asking)}`);
    }
  }
  for (const [prompt, asking] of byPrompt) {
    const begunAt = (provider: string) =>
      asking.reduce((sum, each) => sum + (each.provider === provider ? each.attempts.length : 0), 0);
    for (const provider of PROVIDERS) {
      const begun = begunAt(provider);
      if (prompt === null) {
        if (begun > 0) violations.push(`${begun} creates were begun for requests that never held credits`);
        continue;
      }
      const received = creates[provider].get(createHash('sha256').update(prompt).digest('hex')) ?? 0;
      if (received > begun)
        violations.push(`${provider} received ${received} creates of ${asking[0]?.id}, ${begun} are on record`);
    }
  }
  return { records, violations };
}

/**
 * Where a list can't prove that nothing was made, a create that may have arrived is never followed by another, so that no order
 * has two videos there.
 */
export function checkUnprovenLists({ generations, videos, listsProve }: Evidence): string[] {
  const made = tally(videos, ({ prompt }) => prompt);
  return generations.flatMap(({ id, prompt, provider, attempts }) => {
    if (provider === null || prompt === null || PROVIDERS.some((name) => name === provider && listsProve.has(name)))
      return [];
    const lost = attempts.some(({ outcome }) => outcome === 'not_found');
    const count = made.get(prompt) ?? 0;
    return [
      ...(lost ? [`${id} was taken for not made because ${provider} does not list it`] : []),
      ...(count > 1 ? [`${id} was made ${count} times, by ${provider}`] : []),
    ];
  });
}

function inWords(asking: readonly Recorded[]): string {
  return asking.map(({ id, provider }) => `${id} (${provider ?? 'no provider'})`).join(', ') || 'nobody';
}

/** Counts the recorded videos of one prompt; returns the others. */
function countRecords(asking: readonly Recorded[], made: readonly Made[], records: VideoRecords): Made[] {
  const owned = new Set(asking.map(({ video }) => video));
  const orphanEvents = asking.flatMap(({ events }) => events.filter(({ kind }) => kind === 'orphan_video'));
  const orphans = new Set(orphanEvents.map(({ data }) => canonicalVideoId(String(data['provider_video_id']))));
  // An attempt whose late answer was recorded stands for that video already.
  const spoken = new Set(orphanEvents.map(({ data }) => data['attempt']));
  const silent = asking.flatMap(({ attempts }) => attempts.filter(({ number }) => !spoken.has(number)));
  let open = silent.filter(({ outcome }) => outcome === null).length;
  let notFound = silent.filter(({ outcome }) => outcome === 'not_found').length;
  return made.filter(({ id }) => {
    if (owned.has(id)) records.owned += 1;
    else if (orphans.has(id)) records.orphans += 1;
    else if (open-- > 0) records.open += 1;
    else if (notFound-- > 0) records.notFound += 1;
    else return true;
    return false;
  });
}

/**
 * What was charged is a completed video of that very request, made where and as what it was sold; what was released as failed
 * has failed there.
 */
export function checkAgainstProvider({ generations, videos }: Evidence): string[] {
  const byId = new Map(videos.map((video) => [video.id, video]));
  const owners = new Map<string, string>();
  const videoOf = new Map(generations.map(({ id, video }) => [id, video]));
  return generations.flatMap((generation) => {
    const { id, video, state, reason, claimOf } = generation;
    const other = video === null ? undefined : owners.get(video);
    if (video !== null) owners.set(video, id);
    if (other !== undefined) return [`${id} and ${other} have one video, ${video}`];
    const made = byId.get(video ?? videoOf.get(claimOf ?? '') ?? '');
    const elsewhere = made === undefined ? null : whereInstead(generation, made);
    if (elsewhere !== null) return [`${id} has ${made?.id}, made ${elsewhere}`];
    if (video !== null && made?.prompt !== generation.prompt) return [`${id} has a video of another request: ${video}`];
    const wrong = state === 'charged' || reason === 'provider_failed' ? disagrees(generation, made) : null;
    return wrong === null ? [] : [`${id} is ${state} (${reason}), but at the provider ${wrong}`];
  });
}

/** Null: where and as what it was sold. */
function whereInstead({ model, soldFor, provider, claimOf }: Recorded, made: Made): string | null {
  // A claim makes nothing.
  const bound = claimOf === null ? provider : made.provider;
  if (made.provider !== bound || made.provider !== (soldFor ?? made.provider)) return `by ${made.provider}`;
  const sold = Object.entries<Sold>(SOLD).find(([name]) => name === model)?.[1];
  if (sold?.provider !== null && sold?.provider !== made.provider) return `by ${made.provider}, not ${sold?.provider}`;
  return made.model === sold.providerModel ? null : `as ${made.model}, not ${sold.providerModel}`;
}

function disagrees({ state, settled_ms }: Recorded, made: Made | undefined): string | null {
  if (made === undefined) return 'there is no video of it';
  if (made.completes !== (state === 'charged')) return made.completes ? 'it completes' : 'it does not complete';
  return (settled_ms ?? 0) < (made.ends_ms ?? Infinity) ? 'it had not ended by then' : null;
}

/** Refunded although the provider completed it, and not claimed either: allowed, and worth a look. */
export function lateCompletions({ generations, videos }: Evidence): string[] {
  const byPrompt = groupBy(videos, ({ prompt }) => prompt);
  const claimed = new Set(generations.map(({ claimOf, state }) => (state === 'charged' ? claimOf : null)));
  return generations.flatMap(({ id, state, reason, prompt, expires_ms, attempts, video }) => {
    if (claimed.has(id)) return [];
    const completed = (prompt === null ? [] : (byPrompt.get(prompt) ?? [])).find(({ completes }) => completes);
    if (state !== 'released' || completed === undefined || expires_ms === null) return [];
    const early_s = ((expires_ms - (completed.ends_ms ?? 0)) / 1000).toFixed(0);
    const ends = attempts.map(({ outcome }) => outcome ?? 'open').join(', ');
    return [
      `${id} (${reason}): ${completed.id} was complete ${early_s} s before the hold's end; ${video === null ? 'not known to us' : 'known to us'}; attempts: ${ends}; ${prompt}`,
    ];
  });
}
