import fc from 'fast-check';
import { BLOCKED, FINISHED, OPEN, PROVIDER } from '../support/ledgerSteps.ts';
import * as foretold from './attempts.ts';
import { fields, find, mostly, nth, someGeneration, weighed } from './draws.ts';
import { commands, operation } from './operation.ts';
import type { Generation, Model } from './state.ts';
import { openAttempt } from './state.ts';

/** Calls of the provider and their answers. */

const isWaiting = ({ state, video }: Generation) => state === 'held' && video === null;
const hasOpenAttempt = (generation: Generation) => openAttempt(generation) !== undefined;

export const begin = operation({
  name: 'beginAttempt',
  data: fields({
    which: someGeneration,
    leastTimeLeftMs: fc.oneof(weighed(12, 0), weighed(2, 1_800_000, 3_600_000, 5_000_000, Number.MAX_SAFE_INTEGER)),
  }),
  call: (model, { which, leastTimeLeftMs }) => ({ generationId: find(model, which, isWaiting).id, leastTimeLeftMs }),
  predict: foretold.beginAttempt,
  perform: ({ ledger }, { generationId, leastTimeLeftMs }) =>
    ledger.beginAttempt(generationId, [PROVIDER], leastTimeLeftMs),
});

/** A video of the provider: of this generation, or perhaps of another. */
const someVideo = fields({ own: mostly, of: fc.nat(5) });
type SomeVideo = Readonly<{ own: boolean; of: number }>;

function videoOf(model: Model, generationId: string, { own, of }: SomeVideo): string {
  const taken = [...model.generations.values()].map(({ video }) => video).filter((video) => video !== null);
  return (own ? undefined : nth(taken, of)) ?? model.named(`of ${generationId}`);
}

const someNumber = fields({ open: mostly, other: fc.constantFrom(1, 2, 3, 0, -1, 2 ** 31) });
const numberOf = (generation: Generation | undefined, { open, other }: Readonly<{ open: boolean; other: number }>) =>
  (open && generation !== undefined ? openAttempt(generation)?.number : undefined) ?? other;

const someEnd = fc.oneof(
  weighed(4, 'created' as const),
  weighed(4, 'refused' as const, 'not_made' as const, 'not_found' as const, 'not_found' as const),
);

export const end = operation({
  name: 'endAttempt',
  data: fields({
    which: someGeneration,
    number: someNumber,
    outcome: someEnd,
    video: someVideo,
    alike: mostly,
  }),
  call: (model, { which, number, outcome, video, alike }) => {
    const { id, generation } = find(model, which, hasOpenAttempt);
    // What was lost once is lost again, mostly: three of these are the end.
    const isLost = alike && generation?.attempts.some((attempt) => attempt.outcome === 'not_found');
    const end = endOf(isLost ? 'not_found' : outcome, videoOf(model, id, video));
    return { generationId: id, number: numberOf(generation, number), end };
  },
  predict: foretold.endAttempt,
  perform: ({ ledger }, call) => ledger.endAttempt(call.generationId, call.number, call.end),
});

function endOf(outcome: foretold.AttemptEnd['outcome'], providerVideoId: string): foretold.AttemptEnd {
  switch (outcome) {
    case 'created':
      return { outcome, providerVideoId, providerCreatedAt: null };
    case 'refused':
    case 'not_made':
      return { outcome, code: `code of ${outcome}`, message: 'No.' };
    case 'not_found':
      return { outcome };
  }
}

const note = operation({
  name: 'noteAmbiguousAttempt',
  data: fields({ which: someGeneration, number: someNumber }),
  call: (model, { which, number }) => {
    const { id, generation } = find(model, which, hasOpenAttempt);
    return { generationId: id, number: Math.min(numberOf(generation, number), 3) };
  },
  predict: (model, { generationId }) => foretold.noteAmbiguousAttempt(model, generationId),
  perform: ({ ledger }, { generationId, number }) =>
    ledger.noteAmbiguousAttempt(generationId, number, 'connection reset'),
});

const adopt = operation({
  name: 'adoptVideo',
  data: fields({ which: someGeneration, number: someNumber, video: someVideo, twin: fc.boolean() }),
  call: (model, { which, number, video, twin }) => {
    const isTwin = (one: Generation) => hasOpenAttempt(one) && foretold.lookAlikes(model, one).length > 0;
    const { id, generation } = find(model, which, twin ? isTwin : hasOpenAttempt);
    return { generationId: id, number: Math.min(numberOf(generation, number), 3), videoId: videoOf(model, id, video) };
  },
  predict: foretold.adoptVideo,
  perform: ({ ledger }, { generationId, number, videoId }) =>
    ledger.adoptVideo(generationId, number, { videos: [{ id: videoId, createdAt: null }], exact: true }),
});

const UNEXPLAINED = { ...BLOCKED, errorCode: null, errorMessage: null };

export const look = operation({
  name: 'recordLook',
  data: fields({
    which: someGeneration,
    video: someVideo,
    look: fc.constantFrom(FINISHED, FINISHED, FINISHED, BLOCKED, UNEXPLAINED, OPEN, OPEN),
    progress: fc.oneof(weighed(12, undefined), weighed(3, null, 0, 50, -1, 101, 101)),
  }),
  call: (model, { which, video, look: seen, progress }) => {
    const { id, generation } = find(model, which, ({ verdict }) => verdict === 'open');
    const videoId = (video.own ? generation?.video : undefined) ?? videoOf(model, id, video);
    return { generationId: id, videoId, seen: progress === undefined ? seen : { ...seen, progress } };
  },
  predict: foretold.recordLook,
  perform: ({ ledger }, { generationId, videoId, seen }) => ledger.recordLook(generationId, videoId, seen),
});

export const providerCommands = [
  commands(13, begin),
  commands(13, end),
  commands(2, note),
  commands(8, adopt),
  commands(9, look),
];
