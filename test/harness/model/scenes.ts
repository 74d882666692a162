import fc from 'fast-check';
import { FINISHED } from '../support/ledgerSteps.ts';
import { fields, mostly } from './draws.ts';
import { type Command, type Real, step } from './operation.ts';
import { grant } from './operatorCommands.ts';
import { begin, end, look } from './providerCommands.ts';
import { admit, place, remove } from './requestCommands.ts';
import { outlive, settle } from './settlementCommands.ts';
import { LIMIT, type Model } from './state.ts';

/** Several calls in a row, for states that calls drawn one by one hardly ever reach. */

type Scene<Data> = (model: Model, real: Real, data: Data) => Promise<unknown>;

function scenes<Data>(
  weight: number,
  name: string,
  data: fc.Arbitrary<Data>,
  play: Scene<Data>,
): fc.WeightedArbitrary<Command> {
  const toCommand = (drawn: Data): Command => ({
    check: () => true,
    run: async (model, real) => void (await play(model, real, drawn)),
    toString: () => `${name}(${fc.stringify(drawn)})`,
  });
  return { weight, arbitrary: data.map(toCommand) };
}

/** Admits a generation, places its hold and begins its attempt; a refusal on the way is predicted like any other. */
async function beginAnother(model: Model, real: Real, slot: number): Promise<string> {
  const generationId = model.generationId(model.generations.size);
  await step(admit, model, real, {
    ...{ generationId, accountId: model.accountId(slot), apiKeyId: model.apiKeyId(slot) },
    ...{ model: model.named('cheap'), size: 'small', seconds: 4, prompt: model.named('a fox') },
    ...{ admitWithinMs: 3_600_000, body: 'body 0', idempotencyKey: null },
  });
  await step(place, model, real, { generationId, ttlSeconds: 3600 });
  await step(begin, model, real, { generationId, leastTimeLeftMs: 0 });
  return generationId;
}

async function expire(model: Model, real: Real, generationId: string): Promise<void> {
  await step(outlive, model, real, generationId);
  await step(settle, model, real, { generationId, reason: 'expired', chargeMicrocredits: undefined });
}

/** Completes the video of one more generation; a late one after its hold has expired, so that it can be claimed. */
export async function completeAnother(model: Model, real: Real, slot: number, isLate: boolean): Promise<void> {
  const generationId = await beginAnother(model, real, slot);
  const videoId = model.named(`of ${generationId}`);
  const created = { outcome: 'created', providerVideoId: videoId, providerCreatedAt: null } as const;
  await step(end, model, real, { generationId, number: 1, end: created });
  if (isLate) await expire(model, real, generationId);
  await step(look, model, real, { generationId, videoId, seen: FINISHED });
}

/** Begins two equal attempts, of one account or of two. Until one ends, a video in the provider's list may be either's. */
async function beginTwins(model: Model, real: Real, slots: readonly number[]): Promise<void> {
  for (const slot of slots) await beginAnother(model, real, slot);
}

/** Begins two equal attempts, and deletes one's generation after its hold has expired: its prompt is erased then. */
async function deleteTwin(model: Model, real: Real, slot: number): Promise<void> {
  await beginAnother(model, real, slot);
  const generationId = await beginAnother(model, real, slot);
  await expire(model, real, generationId);
  await step(remove, model, real, { accountId: model.accountId(slot), generationId });
}

/** Loses every attempt that a generation may have. */
async function loseAllCreates(model: Model, real: Real, slot: number): Promise<void> {
  const generationId = await beginAnother(model, real, slot);
  for (const number of [1, 2, 3]) {
    await step(end, model, real, { generationId, number, end: { outcome: 'not_found' } });
    await step(begin, model, real, { generationId, leastTimeLeftMs: 0 });
  }
}

/** Claws back more than there is, then from nothing, and repeats both, mostly after a top-up: the first answers stand. */
async function repeatClawBacks(
  model: Model,
  real: Real,
  { slot, topUp }: Readonly<{ slot: number; topUp: boolean }>,
): Promise<void> {
  const accountId = model.accountId(slot);
  const call = (amountMicrocredits: number, what: string) => {
    const idempotencyKey = `${what} ${model.history.length}`;
    return { accountId, amountMicrocredits, reason: 'a reason', idempotencyKey };
  };
  const available = model.accounts.get(accountId)?.available ?? 0;
  const clawBacks = [call(-Math.min(available + 1, LIMIT), 'more than all'), call(-1, 'of nothing')];
  for (const clawBack of clawBacks) await step(grant, model, real, clawBack);
  if (topUp) await step(grant, model, real, call(500, 'top up'));
  for (const clawBack of clawBacks) await step(grant, model, real, clawBack);
}

const funded = fc.constantFrom(0, 1);

export const sceneCommands = [
  scenes(3, 'beginTwins', fc.constantFrom([0, 0], [1, 1], [0, 1], [1, 0]), beginTwins),
  scenes(1, 'deleteTwin', funded, deleteTwin),
  scenes(1, 'loseAllCreates', funded, loseAllCreates),
  scenes(1, 'completeLate', funded, (model, real, slot: number) => completeAnother(model, real, slot, true)),
  scenes(1, 'repeatClawBacks', fields({ slot: funded, topUp: mostly }), repeatClawBacks),
];
