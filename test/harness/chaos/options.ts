import { parseArgs } from 'node:util';
import type { Mutant } from '../mutants/mutant.ts';
import { MUTANTS } from '../mutants/mutants.ts';
import type { Kind, ProviderName, Speech } from './plan.ts';
import { KINDS } from './plan.ts';
import { Random } from './random.ts';

/** Which the second provider may speak. */
const DIALECTS = ['litellm', 'vllm-omni', 'sglang'];

export interface ChaosOptions {
  readonly seed: string;
  readonly generations: number;
  /** How long faults strike; starting and waiting for the end come on top. */
  readonly faults_ms: number;
  readonly kinds: readonly Kind[];
  readonly speeches: Readonly<Record<ProviderName, Speech>>;
  readonly holdTtlSeconds: number;
  readonly startTimeoutMs: number;
  /** How long after the faults clients may wait for an answer, and then everything for its end. */
  readonly answer_limit_ms: number;
  readonly calm_limit_ms: number;
  /** A guard that is taken out of the database first: the run has to end red. */
  readonly without: Mutant | undefined;
  /** Leaves the folder behind, with the logs and the databases. */
  readonly keep: boolean;
}

export const USAGE = `npm run chaos -- [--seed S] [--generations N] [--minutes M] [--short]
  [--parts ${KINDS.join(',')}] (or without:  --parts all,-terminate)
  [--dialect ${DIALECTS.join('|')}] (of the second provider; drawn by default)
  [--ttl SECONDS] [--keep] [--without GUARD]   (one of test/harness/mutants)`;

/** Read from a command line; raises TypeError with what is wrong. */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      seed: { type: 'string' },
      generations: { type: 'string' },
      minutes: { type: 'string' },
      parts: { type: 'string' },
      ttl: { type: 'string' },
      dialect: { type: 'string' },
      without: { type: 'string' },
      short: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const { seed = String(Date.now() % 1_000_000), short, keep } = values;
  const holdTtlSeconds = positive('ttl', values.ttl ?? (short ? '30' : '90'));
  // Each change of settings starts four processes again, and the next version has to be built: no short run has the time.
  const kinds = readKinds(values.parts ?? (short ? 'all,-settings,-upgrade' : 'all'));
  const without = values.without === undefined ? undefined : guard(values.without);
  return {
    seed,
    generations: positive('generations', values.generations ?? (short ? '25' : '200')),
    faults_ms: positive('minutes', values.minutes ?? (short ? '0.25' : '3')) * 60_000,
    // The next version would bring the guard back.
    kinds: without === undefined ? kinds : kinds.filter((kind) => kind !== 'upgrade'),
    speeches: drawSpeeches(new Random(seed).fork('dialects'), values.dialect),
    without,
    holdTtlSeconds,
    startTimeoutMs: short ? 5000 : 8000,
    answer_limit_ms: short ? 60_000 : 600_000,
    calm_limit_ms: (holdTtlSeconds + (short ? 45 : 600)) * 1000,
    keep,
  };
}

/** The first provider speaks as OpenAI did; the second one otherwise, named in the file or left to be recognised. */
function drawSpeeches(random: Random, named: string | undefined): ChaosOptions['speeches'] {
  const spoken = random.pick(DIALECTS);
  const chosen = named === undefined ? spoken : DIALECTS.find((each) => each === named);
  if (chosen === undefined) throw new TypeError(`--dialect ${named}: there are ${DIALECTS.join(', ')}`);
  return {
    'provider-1': { spoken: 'openai', configured: random.pick(['auto', 'openai']) },
    'provider-2': { spoken: chosen, configured: random.pick(['auto', chosen]) },
  };
}

function guard(name: string): Mutant {
  const mutant = MUTANTS.find((each) => each.name === name);
  if (mutant === undefined) throw new TypeError(`--without ${name}: no such guard; npm run test:mutants lists them`);
  return mutant;
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new TypeError(`--${name} ${text}: give a number above 0`);
  return number;
}

/** "kill,reset": these; "all,-terminate": all but that one. */
function readKinds(text: string): Kind[] {
  const words = text.split(',').filter((word) => word !== '');
  const known = (word: string): Kind => {
    const kind = KINDS.find((each) => each === word);
    if (kind === undefined) throw new TypeError(`--parts ${word}: there are ${KINDS.join(', ')}`);
    return kind;
  };
  const without = words.filter((word) => word.startsWith('-')).map((word) => known(word.slice(1)));
  const named = words.filter((word) => !word.startsWith('-') && word !== 'all').map(known);
  const some = words.includes('all') || named.length === 0 ? [...KINDS] : named;
  return some.filter((kind) => !without.includes(kind));
}
