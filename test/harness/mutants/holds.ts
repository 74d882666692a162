import { edits } from './mutant.ts';

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
      replace: "IF g.state IN ('requested', 'charged', 'released') THEN\n    LOOP",
    },
    'hold-refused-again': {
      breaks: 'a refused request is held after a top-up',
      find: "IF g.state = 'requested' THEN\n    LOOP",
      replace: "IF g.state IN ('requested', 'refused') THEN\n    LOOP",
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
