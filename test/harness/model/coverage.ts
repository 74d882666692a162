/** Every kind of outcome that the ledger's operations have: a long run has to meet each, or its draws are too narrow. */
const KINDS: Record<string, readonly string[]> = {
  openAccount: ['opened', 'opened again', 'id_reused again', 'constraint'],
  setAccountFrozen: [
    ...['frozen', 'already_frozen', 'unfrozen', 'not_frozen', 'frozen again', 'unfrozen again', 'not_frozen again'],
    ...['key_reused', 'unknown_account', 'constraint'],
  ],
  grantCredits: [
    ...[
      'granted',
      'granted again',
      'clawed back',
      'clawed back in part',
      'clawed back again',
      'clawed back in part again',
    ],
    ...['nothing_available', 'nothing_available again', 'nothing_available again, after a top-up'],
    ...['too_large', 'too_large again', 'key_reused', 'unknown_account', 'constraint'],
  ],
  setPrice: ['set', 'set again', 'key_reused', 'in_the_past', 'already_set', 'constraint'],
  admitGeneration: [
    ...['admitted', 'unknown_model', 'unknown_size', 'account_frozen', 'insufficient_credits', 'already_admitted'],
    ...[
      'refused',
      'too_many_active_generations',
      'in_use',
      'reused',
      'too_old',
      'replay 200',
      'replay 402',
      'constraint',
    ],
    // Of an account that is not there.
    'P0002',
  ],
  keepAnswer: ['done', 'constraint'],
  placeHold: [
    ...['held', 'refused account_frozen', 'refused insufficient_credits', 'refused too_many_active_generations'],
    ...['refused voided', 'unknown_generation', 'constraint', 'settled completed', 'settled nothing_to_charge'],
    ...['settled provider_failed', 'settled submission_refused', 'settled provider_unavailable', 'settled cancelled'],
    'settled expired',
  ],
  voidGeneration: ['voided', 'held', 'charged', 'released', 'refused', 'unknown_generation'],
  requestCancel: ['requested first', 'requested', 'held first', 'held', 'charged', 'released', 'unknown_generation'],
  deleteGeneration: ['true', 'false', 'unknown_generation'],
  beginAttempt: [
    ...[
      'begun',
      'known',
      'open',
      'refused',
      'conflict',
      'spent',
      'cancelled',
      'too_late',
      'settled',
      'unknown_generation',
    ],
  ],
  endAttempt: ['created', 'refused', 'not_made', 'not_found', 'conflict', 'closed', 'unknown_generation', 'constraint'],
  noteAmbiguousAttempt: ['done', 'unknown_generation'],
  adoptVideo: ['adopted', 'rival', 'unequal', 'taken', 'closed', 'unknown_generation'],
  recordLook: ['open', 'completed', 'failed', 'wrong_state', 'unknown_generation'],
  recordSettlementRefusal: ['done', 'unknown_generation'],
  settleGeneration: [
    ...['settled completed', 'settled completed, in part', 'settled completed in an emergency'],
    ...['settled nothing_to_charge', 'settled provider_failed', 'settled submission_refused', 'settled cancelled'],
    ...[
      'settled completed, of a claim',
      'settled provider_unavailable',
      'settled create_failed',
      'settled expired',
      'settled emergency',
    ],
    ...[
      'conflict',
      'not_due',
      'terminal',
      'no_proof',
      'wrong_state',
      'exceeds_hold',
      'unknown_generation',
      'constraint',
    ],
  ],
  claimGeneration: [
    'admitted',
    'replay 200',
    'pending',
    'not_claimable',
    'unknown',
    'account_frozen',
    'insufficient_credits',
  ],
  recordContent: ['archived', 'gone', 'wrong_state', 'no_proof', 'unknown_generation'],
  stopFollowing: ['true', 'false', 'unknown_generation'],
  voidLateRequests: ['done'],
  beginDeletion: ['none', 'begun', 'unknown_generation'],
  endDeletion: ['none', 'done', 'unknown_generation'],
  refundGeneration: [
    ...['refunded', 'refunded again', 'refunded what was left', 'refunded what was left again', 'key_reused'],
    ...['not_charged', 'exceeds_captured', 'nothing_left', 'too_large', 'unknown_generation', 'constraint'],
  ],
};

/** The kinds of outcome that were not met. */
export function unmet(tally: ReadonlyMap<string, number>): string[] {
  const all = Object.entries(KINDS).flatMap(([operation, kinds]) => kinds.map((kind) => `${operation}: ${kind}`));
  return all.filter((kind) => !tally.has(kind));
}

/** How often each kind was met, a line each. */
export function tallyText(tally: ReadonlyMap<string, number>): string {
  const line = ([kind, times]: readonly [string, number]) => `${String(times).padStart(6)} ${kind}\n`;
  return [...tally]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(line)
    .join('');
}
