import { edits, statements } from './mutant.ts';

/** The lock that everything about a generation waits for, and placing the hold. */
export const holds = [
  ...edits('lock_generation', {
    'generation-lock': {
      breaks: 'hold, settlement, cancel and refund of one generation overtake each other',
      find: ' FOR NO KEY UPDATE',
      replace: '',
    },
  }),
  ...edits('place_hold', {
    'hold-funds': {
      breaks: 'a hold without the credits for it',
      find: ' AND a.available_microcredits >= g.amount_microcredits',
      replace: '',
    },
    'hold-frozen': { breaks: 'a frozen account gets holds', find: 'a.frozen_at IS NULL AND ', replace: '' },
    'hold-cap': {
      breaks: 'more generations at once than the account may have',
      find: ' AND a.active_generations < a.max_active_generations',
      replace: '',
    },
    'hold-cap-off-by-one': {
      breaks: 'one generation more than the account may have',
      find: 'a.active_generations < a.max_active_generations',
      replace: 'a.active_generations <= a.max_active_generations',
    },
    'hold-admit-by': {
      breaks: 'a hold long after its client has gone',
      find: ' AND placed > g.admit_by',
      replace: ' AND false',
    },
    'hold-admit-by-before-the-wait': {
      breaks: "a hold whose time ended while it waited for the account's row",
      find: 'placed := clock_timestamp();',
      replace: 'placed := statement_timestamp();',
    },
    'hold-late-available': {
      breaks: 'a hold that came too late keeps the credits',
      find: 'a.available_microcredits + g.amount_microcredits',
      replace: 'a.available_microcredits',
    },
    'hold-late-held': {
      breaks: 'a hold that came too late stays in what is held',
      find: 'a.held_microcredits - g.amount_microcredits',
      replace: 'a.held_microcredits',
    },
    'hold-late-slot': {
      breaks: 'a hold that came too late keeps its place under the cap',
      find: 'a.active_generations - 1',
      replace: 'a.active_generations',
    },
    'hold-sign': {
      breaks: 'a hold adds to what is available',
      find: 'a.available_microcredits - g.amount_microcredits',
      replace: 'a.available_microcredits + g.amount_microcredits',
    },
    'hold-slot': {
      breaks: 'holds are not counted towards the cap',
      find: 'a.active_generations + 1',
      replace: 'a.active_generations',
    },
    'hold-slot-unmarked': {
      breaks: 'a generation holds a place under the cap and never frees it',
      find: 'counts_as_active = true, ',
      replace: '',
    },
    'hold-unposted': {
      breaks: 'a hold without a journal transaction',
      find: 'PERFORM post_transaction(',
      replace: 'PERFORM num_nulls(',
    },
    'hold-legs': {
      breaks: 'the journal takes the hold from the issued credits',
      find: '-g.amount_microcredits, g.amount_microcredits, 0, 0)',
      replace: '0, g.amount_microcredits, -g.amount_microcredits, 0)',
    },
    'hold-again': {
      breaks: 'a repeat holds the price twice',
      find: "IF g.state = 'requested' THEN\n    LOOP",
      replace: "IF g.state IN ('requested', 'held') THEN\n    LOOP",
    },
    'hold-settled-again': {
      breaks: 'after a settlement a reset of the workflow holds again',
      find: "IF g.state = 'requested' THEN\n    LOOP",
      replace: "IF g.state IN ('requested', 'charged', 'refunded') THEN\n    LOOP",
    },
    'hold-refused-again': {
      breaks: 'a refused request is held after a top-up',
      find: "IF g.state = 'requested' THEN\n    LOOP",
      replace: "IF g.state IN ('requested', 'refused') THEN\n    LOOP",
    },
  }),
  ...edits('place_hold', {
    'limit-unasked': {
      breaks: 'a key spends more than its limit',
      find: ' AND NOT spend_within_limits(limited, g.amount_microcredits, placed)',
      replace: ' AND false',
    },
    'limit-kept-back': {
      breaks: 'what a limit refuses is held all the same',
      find: " OR refusal = 'key_spend_limit'",
      replace: '',
    },
    'limit-unmarked': {
      breaks: 'a release gives no room back',
      find: 'limited_key = COALESCE(limited.spends_as, limited.id),',
      replace: '',
    },
  }),
  ...edits('spend_within_limits', {
    'limit-day': {
      breaks: 'a key spends more than its limit of a day',
      find: '<= COALESCE(p_key.daily_limit_microcredits, ',
      replace: '<= COALESCE(NULL::bigint, ',
    },
    'limit-month': {
      breaks: 'a key spends more than its limit of a month',
      find: '<= COALESCE(p_key.monthly_limit_microcredits, ',
      replace: '<= COALESCE(NULL::bigint, ',
    },
    'limit-new-day': {
      breaks: "what was spent yesterday counts against today's limit",
      find: 'AND CASE WHEN s.day = today THEN s.day_microcredits ELSE 0 END',
      replace: 'AND s.day_microcredits',
    },
    'limit-rotated': {
      breaks: 'a rotated key has its limit once more',
      find: 'WHERE s.api_key_id = COALESCE(p_key.spends_as, p_key.id)',
      replace: 'WHERE s.api_key_id = p_key.id',
    },
  }),
  ...edits('return_spending', {
    'limit-returned-whole': {
      breaks: 'a capture in part gives all of the room back',
      find: `THEN greatest(0, s.day_microcredits - (h.amount_microcredits - COALESCE(NEW.charged_amount_microcredits, 0)))`,
      replace: 'THEN greatest(0, s.day_microcredits - h.amount_microcredits)',
    },
    'limit-returned-today': {
      breaks: "what was held yesterday gives room of today's limit back",
      find: `s.day = (h.placed_at AT TIME ZONE 'UTC')::date`,
      replace: 'true',
    },
  }),
  ...statements({
    'limit-returned': {
      breaks: 'a release gives no room back',
      sql: 'DROP TRIGGER generations_return_spending ON generations',
    },
    'limit-key-kept': {
      breaks: "a hold gives another key's room back",
      sql: 'DROP TRIGGER generations_limited_key_kept ON generations',
    },
  }),
  ...edits('post_transaction', {
    'balance-after': {
      breaks: 'the balance that a statement shows after a movement is another one',
      find: 'p_account.available_microcredits, p_account.held_microcredits',
      replace: 'p_account.available_microcredits - p_available, p_account.held_microcredits - p_held',
    },
  }),
];
