import type { Random } from './random.ts';

/** The faults that prompts request from the simulator (docs/simulator.md). */

const SCENES = [
  'a red fox in fresh snow',
  'a lighthouse in a storm',
  'a paper boat on a river',
  'an old tram at night',
];
const MODERATED = 'an ad for iqus e cigerrates';

type Draw = (random: Random) => string;
type Weighted = readonly (readonly [weight: number, draw: Draw])[];

const times = (random: Random, most: number): string => `*${random.whole(1, most)}`;

/** How the submission goes wrong. */
const CREATES: Weighted = [
  [40, () => ''],
  [8, () => '[[create:lost-reply]]'],
  [3, () => '[[create:lost-reply*2]]'],
  [3, () => '[[create:lost-reply]][[list:500*2]]'],
  [3, () => '[[create:hang]]'],
  [4, (random) => `[[create:500${times(random, 3)}]]`],
  [3, () => '[[create:html]]'],
  [3, () => '[[create:empty]]'],
  [4, (random) => `[[create:429${times(random, 3)}]][[retry-after:1]]`],
  [2, () => '[[create:429:insufficient_quota*2]]'],
  [2, () => '[[create:401*2]]'],
  [3, () => '[[create:400:bad_thing:The provider does not like it.]]'],
  [3, (random) => `[[create:reset${times(random, 2)}]]`],
  [3, (random) => `[[create:slow:${random.whole(1, 8)}s]]`],
];

/** How looking at the video goes wrong. */
const POLLS: Weighted = [
  [40, () => ''],
  [6, (random) => `[[poll:reset${times(random, 5)}]]`],
  [5, (random) => `[[poll:500${times(random, 5)}]]`],
  [4, (random) => `[[poll:html${times(random, 3)}]]`],
  [4, (random) => `[[poll:empty${times(random, 3)}]]`],
  [3, (random) => `[[poll:429${times(random, 3)}]][[retry-after:1]]`],
  [2, () => '[[poll:404*2]]'],
  [2, () => '[[poll:401*2]]'],
  [2, () => '[[poll:hang*1]]'],
  [2, (random) => `[[poll:slow:${random.whole(1, 5)}s]]`],
  [2, () => '[[status:rendering]]'],
];

/** How the video ends. */
const ENDS: Weighted = [
  [50, () => ''],
  [14, (random) => `[[after:${random.whole(1, 12)}s]]`],
  [5, () => '[[fail:generation_failed]]'],
  [2, () => '[[fail:invalid_request:That could not be drawn.]]'],
  [1, () => '[[fail:500]]'],
  [2, () => '[[terminal:succeeded]]'],
  [2, () => '[[terminal:cancelled]]'],
  [4, () => '[[never]]'],
];

/** How the provider's webhook goes wrong; without any of it, it comes once, to a process that may be dead. */
const WEBHOOKS: Weighted = [
  [60, () => ''],
  [12, () => '[[webhook:none]]'],
  [12, () => '[[webhook:twice]]'],
  [12, () => '[[webhook:early]]'],
];

/** How fetching the content goes wrong. */
const CONTENTS: Weighted = [
  [80, () => ''],
  [4, (random) => `[[content:500${times(random, 3)}]]`],
  [4, (random) => `[[content:reset${times(random, 3)}]]`],
  [4, (random) => `[[content:cut${times(random, 3)}]]`],
  [2, () => '[[content:html*1]]'],
];

/**
 * One video that hides its prompt and whose reply is lost could be any lost one, so from then on none is created again: only
 * some runs have such.
 */
const HIDDEN = '[[create:lost-reply]][[echo:none]]';

/** A unique prompt, so that its video can be recognized without its id. */
export function drawPrompt(random: Random, mayHide: boolean): string {
  const scene = random.chance(0.06) ? MODERATED : random.pick(SCENES);
  const create = mayHide && random.chance(0.02) ? HIDDEN : random.weighted(CREATES)(random);
  const asked = [create, ...[POLLS, ENDS, CONTENTS, WEBHOOKS].map((choices) => random.weighted(choices)(random))];
  return `${scene}, take ${random.hex()} ${asked.join('')}`.trimEnd();
}
