import { createHash } from 'node:crypto';
import type { AttemptOutcome, GenerationState } from '../../../contracts/states.ts';
import type { HoldRefusalCode, Settlement } from '../../../contracts/activities.ts';
import { accountId, apiKeyId, videoId } from '../../../contracts/ids.ts';
import type { SeenVideo } from '../../../store/index.ts';

/** The ledger in memory: plain objects and whole numbers, written from the rules and not from the SQL's own workings. */

export const LIMIT = Number.MAX_SAFE_INTEGER;
export const CAP_BY_DEFAULT = 300;

/** What only the database can know, such as a number it gave out: learned at its first answer, and the same ever after. */
export class Learned {
  value: unknown;

  asymmetricMatch(actual: unknown): boolean {
    if (actual === null || actual === undefined) return false;
    const plain = actual instanceof Date ? actual.toISOString() : actual;
    this.value ??= plain;
    return plain === this.value;
  }

  toAsymmetricMatcher(): string {
    return `learned(${String(this.value)})`;
  }
}

/** A number that nobody can foretell, such as the time left; foretold is only whether it is above 0, and its limit. */
export class Between {
  constructor(
    readonly least: number,
    readonly most: number,
  ) {}

  asymmetricMatch(actual: unknown): boolean {
    return typeof actual === 'number' && actual >= this.least && actual <= this.most;
  }
}

/** One journal transaction: what it moved in each book. */
export interface Movement {
  readonly kind: 'grant' | 'claw_back' | 'hold' | 'capture' | 'release' | 'refund';
  readonly generationId: string | null;
  readonly available: number;
  readonly held: number;
  readonly issued: number;
  readonly revenue: number;
}

export interface AccountOperation {
  readonly kind: 'grant' | 'freeze' | 'unfreeze';
  readonly amount: number | null;
  readonly reason: string;
  readonly outcome: string;
  readonly moved: number;
  readonly transactionId: Learned | null;
}

export interface RequestKey {
  readonly fingerprint: string;
  generationId: string | null;
  status: 200 | 402 | null;
  /** What could not be paid, of a key without a generation. */
  refused: number | null;
  answer: unknown;
  old: boolean;
}

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Learned;
  frozen: boolean;
  cap: number;
  available: number;
  held: number;
  active: number;
  readonly journal: Movement[];
  readonly operations: Map<string, AccountOperation>;
  readonly requestKeys: Map<string, RequestKey>;
}

export interface Attempt {
  readonly number: number;
  outcome: AttemptOutcome | null;
  errorCode: string | null;
}

export interface RefundMade {
  readonly requested: number | null;
  readonly reason: string;
  readonly amount: number;
  /** What could still be refunded after it. */
  readonly leftAfter: number;
  readonly transactionId: Learned;
}

export interface Generation {
  readonly id: string;
  readonly accountId: string;
  readonly amount: number;
  /** A second, to us. */
  readonly cost: number;
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  /** Its time to be held was over before it was written. */
  readonly late: boolean;
  state: GenerationState;
  refusal: HoldRefusalCode | null;
  holdTtlMs: number;
  outlived: boolean;
  cancelRequested: boolean;
  settlementRefused: 'never' | 'now' | 'long ago';
  deleted: boolean;
  /** Of a claim: the generation whose video it pays for. */
  readonly claimOf: string | null;
  /** Whether its video was finished after its refund, and may still be had. */
  claimable: 'never' | 'now' | 'over';
  /** Of its video at the provider. */
  deletion: 'none' | 'begun' | 'done';
  content: 'archived' | 'gone' | null;
  /** Settled a day ago. */
  settledLongAgo: boolean;
  readonly attempts: Attempt[];
  video: string | null;
  verdict: SeenVideo['verdict'] | null;
  progress: number | null;
  /** Its video's id came again: no look settles by it, and nothing at that id is kept, claimed or deleted. */
  contested: boolean;
  providerError: string | null;
  settlement: Settlement | null;
  charged: number | null;
  countsAsActive: boolean;
  readonly refunds: Map<string, RefundMade>;
}

export interface PriceVersion {
  readonly model: string;
  readonly size: string;
  readonly cost: number;
  readonly margin: number;
  /** Null: from the moment it was set. */
  readonly effectiveFrom: Date | null;
  readonly priceId: Learned;
  readonly began: Learned;
}

/** A call that was made, to be made again as it was. */
export interface Call {
  readonly name: string;
  /** For whoever reads a failure. */
  readonly text: string;
  readonly again: () => Promise<void>;
}

export class Model {
  readonly accounts = new Map<string, Account>();
  readonly generations = new Map<string, Generation>();
  /** By idempotency key, in the order they were set. */
  readonly prices = new Map<string, PriceVersion>();
  readonly history: Call[] = [];

  /** Everything of a run has names made of the run's number and a place in it: no two runs meet, and each can be repeated. */
  constructor(readonly run: string) {}

  accountId(slot: number): string {
    return accountId(this.#hex('account', slot));
  }

  apiKeyId(slot: number): string {
    return apiKeyId(this.#hex('key', slot));
  }

  generationId(slot: number): string {
    return videoId(this.#hex('generation', slot));
  }

  /** A name that is unique in the whole database, of a model, a provider's video or a price's key. */
  named(what: string): string {
    return `${what}-${this.run}`;
  }

  sha256(what: string): Buffer {
    return createHash('sha256').update(`${this.run} ${what}`).digest();
  }

  accountOf(generation: Generation): Account {
    const account = this.accounts.get(generation.accountId);
    if (account === undefined) throw new Error(`no account of ${generation.id}`);
    return account;
  }

  /** The generation that makes the video: of a claim, the one that was released. */
  makerOf(generation: Generation): Generation {
    return this.generations.get(generation.claimOf ?? generation.id) ?? generation;
  }

  #hex(what: string, slot: number): string {
    return createHash('md5').update(`${this.run} ${what} ${slot}`).digest('hex');
  }
}

/** What a refused call answers with: the code of its `LedgerError`, or the SQLSTATE of a fault that has none. */
export const refusedAs = (error: string) => ({ error });

export function isError(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'error' in answer;
}

/** Moves credits between the books of an account and writes it down. */
export function move(account: Account, movement: Movement): void {
  account.available += movement.available;
  account.held += movement.held;
  account.journal.push(movement);
}

export function isSettled({ state }: Generation): boolean {
  return state === 'charged' || state === 'released';
}

export function openAttempt(generation: Generation): Attempt | undefined {
  return generation.attempts.find(({ outcome }) => outcome === null);
}

/** Each was proven to have made nothing, or looked for and not found. */
export function cameToNothing({ attempts }: Generation): boolean {
  return attempts.every(({ outcome }) => outcome === 'not_made' || outcome === 'not_found');
}

export function createsSpent({ attempts }: Generation): boolean {
  return attempts.filter(({ outcome }) => outcome !== 'not_made').length >= 3;
}

/** Whether nothing goes on at the provider any more, as far as can be known. */
export function isFinished({ verdict, video, attempts }: Generation): boolean {
  if (verdict === 'completed' || verdict === 'failed') return true;
  return (
    video === null &&
    attempts.every(({ outcome }) => outcome !== null && outcome !== 'not_found' && outcome !== 'conflict')
  );
}

export function refunded({ refunds }: Generation): number {
  return [...refunds.values()].reduce((sum, { amount }) => sum + amount, 0);
}

/** The length that keys may have; reasons of refunds have their own. */
export const isKey = (key: string) => key.length >= 1 && key.length <= 255;
