import type { FakeWorldOptions } from '../support/fakes.ts';
import { COMPLETED, held, HOUR_MS, OPEN, settledAs } from '../support/fakes.ts';
import type { GenerationHandle } from '../support/temporal.ts';
import { CANCEL_REQUESTED, PROVIDER_EVENT } from '../../../contracts/temporal.ts';

/** The ways in which a video's workflow can go, each with what its fake activities answer. */

export interface VideoPath extends Omit<FakeWorldOptions, 'now'> {
  /** What happens from outside meanwhile. */
  readonly meanwhile?: (handle: GenerationHandle) => Promise<void>;
}

const CREATED = { outcome: 'created', providerVideoId: 'pv_1', toldBy: 'nobody' } as const;
const LOST = { outcome: 'ambiguous', why: 'a time-out' } as const;
const after = (ms: number) => (sinceMs: number) => (sinceMs >= ms ? COMPLETED : OPEN);

/** Fails the first `times` times: once as a local activity, then as a regular one. */
function failing(times: number): () => void {
  let tries = 0;
  return () => {
    tries += 1;
    if (tries <= times) throw new Error('away');
  };
}

export const VIDEO_PATHS: Readonly<Record<string, VideoPath>> = {
  'video captured': { look: () => COMPLETED },
  'copy that can not be started at once': { look: () => COMPLETED, startArchive: failing(3) },
  'video captured after looks': { look: after(200_000) },
  'video captured after a provider event': {
    create: () => ({ ...CREATED, toldBy: 'webhooks' }),
    look: after(60_000),
    meanwhile: (handle) => handle.signal(PROVIDER_EVENT),
  },
  'video failed': { look: () => ({ verdict: 'failed' }) },
  'video refused by the provider': { create: () => ({ outcome: 'refused', errorCode: 'moderation_blocked' }) },
  'not made, then captured': {
    create: (attempt) => (attempt < 3 ? { outcome: 'not_made', why: 'HTTP 429', retryAfterMs: 5000 } : CREATED),
    look: () => COMPLETED,
  },
  'conflicting id': { create: () => ({ outcome: 'conflict' }) },
  'hold refused': { placement: { outcome: 'refused', code: 'insufficient_credits', accountId: 'acct_00' } },
  'hold settled before': {
    placement: {
      outcome: 'settled',
      accountId: 'acct_00',
      settlement: { charged: true, reason: 'completed', errorCode: null },
    },
  },
  'hold expired': { look: () => OPEN },
  'hold expired in an outage': { look: () => 'away' },
  'captured by the last look': { look: after(HOUR_MS) },
  'outage of 50 minutes': { look: (sinceMs) => (sinceMs < 3_000_000 ? 'away' : COMPLETED) },
  'reply lost, video found': {
    create: () => LOST,
    find: (look) => (look < 3 ? { outcome: 'nothing_yet' } : { ...CREATED, outcome: 'adopted' }),
    look: () => COMPLETED,
  },
  'reply lost, made again': {
    create: (attempt) => (attempt === 1 ? LOST : CREATED),
    find: () => ({ outcome: 'not_found' }),
    look: () => COMPLETED,
  },
  'reply lost for good': { create: () => LOST, find: () => ({ outcome: 'unknowable', why: 'no list' }) },
  'video known from an earlier run': { placement: held({ providerVideoId: 'pv_1' }), look: () => COMPLETED },
  'claim captured': { placement: held({ providerVideoId: 'pv_1', isClaim: true }), look: () => COMPLETED },
  'cancel that proved nothing, archived first': {
    look: () => ({ verdict: 'to_archive' }),
    placement: held({ providerVideoId: 'pv_1' }),
  },
  'fault of ours past the hold’s end': {
    look: (sinceMs) => (sinceMs < HOUR_MS + 600_000 ? 'ours' : COMPLETED),
  },
  'claim whose content is gone': {
    placement: held({ providerVideoId: 'pv_1', isClaim: true }),
    look: () => COMPLETED,
    archive: () => 'gone',
  },
  'database away at the settlement': {
    look: () => COMPLETED,
    settle: (reason, attempt) => (attempt < 4 ? 'away' : settledAs(reason)),
  },
  'emergency release': {
    look: () => COMPLETED,
    settle: (reason) => (reason === 'completed' ? 'refused' : settledAs(reason)),
  },
  'cancelled by the client': {
    look: () => ({ verdict: 'open', cancelWanted: true }),
    cancel: () => ({ ended: true }),
    meanwhile: (handle) => handle.signal(CANCEL_REQUESTED),
  },
  'cancelled in Temporal': {
    look: after(300_000),
    meanwhile: async (handle) => {
      await handle.cancel();
    },
  },
  'content that comes late': { look: () => COMPLETED, archive: (attempt) => (attempt < 3 ? 'away' : 'archived') },
  'webhooks announced': {
    look: () => COMPLETED,
    webhooks: [{ owner: 'acct_00', accountId: 'acct_00', endpointId: 'we_00', eventId: 'evt_00', tries: 0 }],
  },
};
