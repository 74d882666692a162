import type { RefundActor } from '../contracts/money.ts';
import type { GenerationState, PaidState } from '../contracts/states.ts';
import type { Database } from './database.ts';
import type { Listed, Page } from './pages.ts';
import { AFTER_ALL_IDS, listPage } from './pages.ts';
import { row, rows } from './query.ts';
import { SHOWN_GENERATION } from './selections.ts';

/** A generation as its owner may see it. Times are Dates; amounts microcredits. */
export interface Generation {
  readonly id: string;
  readonly accountId: string;
  /** The key that asked for it, and whether that has named it since (known_at). */
  readonly apiKeyId: string;
  readonly isKnown: boolean;
  readonly state: PaidState;
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string | null;
  readonly amountMicrocredits: number;
  /** Null unless it was charged. */
  readonly chargedMicrocredits: number | null;
  readonly requestedAt: Date;
  readonly holdId: string;
  readonly holdExpiresAt: Date;
  readonly providerVideoId: string | null;
  /** Where its last create went. */
  readonly provider: string | null;
  readonly progress: number | null;
  readonly providerCompletedAt: Date | null;
  readonly cancelRequested: boolean;
  /** Of the last thing that happened to it. */
  readonly eventSequence: number;
  /** Of its charge, so far. */
  readonly refundedMicrocredits: number;
  readonly refundedBy: readonly RefundActor[];
  /** The last time. */
  readonly refundedAt: Date | null;
  /** It completed after its refund, nobody has claimed it, and it can be claimed until then; null otherwise. */
  readonly claimableUntil: Date | null;
  readonly claimOf: string | null;
  /** The video that it was made from. */
  readonly remixOf: string | null;
  readonly settledAt: Date | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

const GET = {
  name: 'get_generation',
  text: `${SHOWN_GENERATION} WHERE g.id = $1 AND g.account_id = $2 AND g.kind = 'video' AND g.deleted_at IS NULL`,
};

/** A generation of this very account that has, or had, a hold and was not deleted; undefined for anything else. */
export async function getGeneration(db: Database, accountId: string, id: string): Promise<Generation | undefined> {
  const [generation] = await rows<Generation>(db, GET, [id, accountId]);
  return generation;
}

/** The generations of this account that hold, or held, credits and were not deleted. */
export async function listGenerations(
  db: Database,
  accountId: string,
  page: Page<string>,
): Promise<Listed<Generation>> {
  const condition =
    "g.account_id = $1 AND g.kind = 'video' AND g.deleted_at IS NULL AND g.state IN ('held', 'charged', 'released')";
  return listPage(db, 'generations', `${SHOWN_GENERATION} WHERE ${condition}`, 'g.id', accountId, page, AFTER_ALL_IDS);
}

/** How the generation stands, and whether this call recorded the wish. */
export interface RequestedCancel {
  readonly state: GenerationState;
  readonly first: boolean;
}

const CANCEL = { name: 'request_cancel', text: 'SELECT state, first FROM request_cancel($1, $2)' };

/** Records that no video is wanted any more, once; `first` says whether this call recorded it. */
export async function requestCancel(
  db: Database,
  generationId: string,
  by: 'client' | 'operator',
): Promise<RequestedCancel> {
  const wish = await row<RequestedCancel>(db, CANCEL, [generationId, by]);
  db.changed(generationId);
  return wish;
}
