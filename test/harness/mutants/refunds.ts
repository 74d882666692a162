import { edits } from './mutant.ts';

/** Giving credits of a capture back. */
export const refunds = [
  ...edits('refund_generation', {
    'refund-amount': { breaks: 'a refund of 0', find: 'p_amount <= 0', replace: 'p_amount < 0' },
    'refund-uncharged': {
      breaks: 'a refund of what was never charged',
      find: "g.state IS DISTINCT FROM 'charged'",
      replace: 'false',
    },
    'refund-exceeds': {
      breaks: 'a refund of more than was captured has no answer of its own',
      find: ' OR before + moved > g.charged_amount_microcredits',
      replace: '',
    },
    'refund-earlier': {
      breaks: 'earlier refunds are not counted',
      find: 'COALESCE(sum(r.amount_microcredits), 0)',
      replace: '0',
    },
    'refund-nothing-left': { breaks: 'a refund of nothing', find: 'moved = 0 OR ', replace: '' },
    'refund-all': {
      breaks: 'the rest of a capture is its whole',
      find: 'COALESCE(p_amount, g.charged_amount_microcredits - before)',
      replace: 'COALESCE(p_amount, g.charged_amount_microcredits)',
    },
    'refund-key': { breaks: 'a repeated refund is no repeat', find: 'IF FOUND THEN', replace: 'IF false THEN' },
    'refund-replay-left': {
      breaks: 'a repeated refund is answered with what is left today, not as it was',
      find: 'earlier.captured_microcredits - earlier.refunded_before_microcredits - earlier.amount_microcredits',
      replace: 'g.charged_amount_microcredits - before',
    },
    'refund-key-amount': {
      breaks: 'one key for two amounts: the second is answered as refunded',
      find: '(earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM (p_amount, p_reason)',
      replace: 'earlier.reason IS DISTINCT FROM p_reason',
    },
    'refund-key-reason': {
      breaks: 'one key for two reasons: the second is answered as refunded',
      find: '(earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM (p_amount, p_reason)',
      replace: 'earlier.requested_microcredits IS DISTINCT FROM p_amount',
    },
    'refund-balance-bound': {
      breaks: 'a balance beyond 2^53 − 1 has no answer of its own',
      find: ' AND a.available_microcredits + a.held_microcredits + moved <= 9007199254740991',
      replace: '',
    },
    'refund-balance-bound-held': {
      breaks: 'what is held has no room to come back',
      find: 'a.available_microcredits + a.held_microcredits + moved <=',
      replace: 'a.available_microcredits + moved <=',
    },
    'refund-sign': {
      breaks: 'a refund takes',
      find: 'SET available_microcredits = a.available_microcredits + moved',
      replace: 'SET available_microcredits = a.available_microcredits - moved',
    },
    'refund-unposted': {
      breaks: 'a refund posts to no journal',
      find: 'posted := post_transaction(',
      replace: 'posted := num_nulls(',
    },
    'refund-issued': {
      breaks: 'a refund issues new credits instead of giving revenue back',
      find: 'moved, p_reason, moved, 0, 0, -moved)',
      replace: 'moved, p_reason, moved, 0, -moved, 0)',
    },
    'refund-unrecorded': {
      breaks: 'a refund that leaves no row: the next one may give the same again',
      find: `INSERT INTO refunds (generation_id, key, requested_microcredits, reason, amount_microcredits, refunded_before_microcredits,
      captured_microcredits, transaction_id, actor)
    VALUES (p_generation_id, p_key, p_amount, p_reason, moved, before, g.charged_amount_microcredits, posted, p_actor);`,
      replace: '',
    },
  }),
];
