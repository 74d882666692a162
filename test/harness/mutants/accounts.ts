import { edits } from './mutant.ts';

/** Accounts, grants, claw-backs and the price book. */
export const accounts = [
  ...edits('open_account', {
    'open-another-name': {
      breaks: 'an id that is taken is answered as if it were opened for this name',
      find: "CASE WHEN account.name = p_name THEN 'opened' ELSE 'id_reused' END",
      replace: "'opened'",
    },
  }),
  ...edits('grant_credits', {
    'grant-null': {
      breaks: 'a grant without an amount claws everything back',
      find: 'p_amount IS NULL OR ',
      replace: '',
    },
    'grant-zero': { breaks: 'a grant of nothing uses a key up', find: 'p_amount = 0 OR ', replace: '' },
    'grant-bound': {
      breaks: 'amounts beyond 2^53 − 1, which JavaScript rounds',
      find: ' OR abs(p_amount) > 9007199254740991',
      replace: '',
    },
    'grant-lock': {
      breaks: "two callers with one key don't wait for each other",
      find: ' FOR NO KEY UPDATE',
      replace: '',
    },
    'grant-key': { breaks: 'a repeated grant is no repeat', find: 'IF FOUND THEN', replace: 'IF false THEN' },
    'grant-key-amount': {
      breaks: 'one key for two amounts: the second is answered as granted',
      find: "(earlier.kind, earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM ('grant', p_amount, p_reason)",
      replace: "(earlier.kind, earlier.reason) IS DISTINCT FROM ('grant', p_reason)",
    },
    'grant-key-reason': {
      breaks: 'one key for two reasons: the second is answered as granted',
      find: "(earlier.kind, earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM ('grant', p_amount, p_reason)",
      replace: "(earlier.kind, earlier.requested_microcredits) IS DISTINCT FROM ('grant', p_amount)",
    },
    'grant-key-kind': {
      breaks: "a grant is answered with a freeze's outcome",
      find: "IF (earlier.kind, earlier.requested_microcredits, earlier.reason) IS DISTINCT FROM ('grant', p_amount, p_reason)",
      replace:
        'IF (COALESCE(earlier.requested_microcredits, p_amount), earlier.reason) IS DISTINCT FROM (p_amount, p_reason)',
    },
    'claw-back-clamp': {
      breaks: 'a claw-back takes more than is available',
      find: 'greatest(p_amount, -account.available_microcredits)',
      replace: 'p_amount',
    },
    'claw-back-nothing': {
      breaks: 'a claw-back from nothing has no answer',
      find: "WHEN moved = 0 THEN 'nothing_available'",
      replace: '',
    },
    'claw-back-nothing-forgotten': {
      breaks: "'nothing_available' is not recorded for its key: the repeat takes what came in since",
      find: "VALUES (p_account_id, p_key, 'grant', p_amount, p_reason, answer, moved, posted)",
      replace:
        "SELECT p_account_id, p_key, 'grant', p_amount, p_reason, answer, moved, posted WHERE answer <> 'nothing_available'",
    },
    'grant-too-large-forgotten': {
      breaks: "'too_large' is not recorded for its key: the repeat grants after all",
      find: "VALUES (p_account_id, p_key, 'grant', p_amount, p_reason, answer, moved, posted)",
      replace:
        "SELECT p_account_id, p_key, 'grant', p_amount, p_reason, answer, moved, posted WHERE answer <> 'too_large'",
    },
    'grant-balance-bound': {
      breaks: 'a balance beyond 2^53 − 1 has no answer of its own',
      find: 'WHEN account.available_microcredits + account.held_microcredits + moved > 9007199254740991',
      replace: 'WHEN false',
    },
    'grant-balance-bound-held': {
      breaks: 'what is held has no room to come back',
      find: 'account.available_microcredits + account.held_microcredits + moved',
      replace: 'account.available_microcredits + moved',
    },
    'grant-sign': {
      breaks: 'a grant takes, a claw-back gives',
      find: 'a.available_microcredits + moved WHERE',
      replace: 'a.available_microcredits - moved WHERE',
    },
    'grant-legs': {
      breaks: 'the journal issues the other way round',
      find: 'NULL, p_amount, p_reason, moved, 0, -moved, 0)',
      replace: 'NULL, p_amount, p_reason, moved, 0, moved, 0)',
    },
    'grant-unposted': {
      breaks: 'credits without a journal transaction',
      find: 'posted := post_transaction(',
      replace: 'posted := num_nulls(',
    },
  }),
  ...edits('set_account_frozen', {
    'freeze-lock': {
      breaks: "two callers with one key don't wait for each other",
      find: ' FOR NO KEY UPDATE',
      replace: '',
    },
    'freeze-key': { breaks: 'a late repeat freezes again', find: 'IF FOUND THEN', replace: 'IF false THEN' },
    'freeze-key-kind': {
      breaks: "one key for both: an unfreeze is answered with the freeze's outcome",
      find: '(earlier.kind, earlier.reason) IS DISTINCT FROM (operation, p_reason)',
      replace: 'earlier.reason IS DISTINCT FROM p_reason',
    },
    'freeze-nothing': {
      breaks: "'frozen' is answered and nothing frozen",
      find: "IF answer IN ('frozen', 'unfrozen') THEN",
      replace: 'IF false THEN',
    },
  }),
  ...edits('set_price', {
    'price-lock': {
      breaks: "two callers with one key don't wait for each other",
      find: "PERFORM pg_advisory_xact_lock(hashtextextended('price ' || p_key, 0));",
      replace: '',
    },
    'price-key': { breaks: 'a repeat sets a second price', find: 'IF FOUND THEN', replace: 'IF false THEN' },
    'price-key-values': {
      breaks: 'one key for two prices: the second is answered as set',
      find: `(price.model, price.size, price.provider_cost_microcredits_per_second, price.margin_basis_points, price.effective_from)
       IS DISTINCT FROM (p_model, p_size, p_cost_per_second, p_margin_basis_points, COALESCE(p_effective_from, price.recorded_at))`,
      replace: 'false',
    },
    'price-past': {
      breaks: 'a price of the past: what was sold then looks sold at another price',
      find: 'p_effective_from < recorded',
      replace: 'false',
    },
    'price-twice-a-moment': {
      breaks: 'two versions at one moment have no answer of their own',
      find: 'ON CONFLICT (model, size, effective_from) DO NOTHING ',
      replace: '',
    },
  }),
  ...edits('current_prices', {
    'price-early': {
      breaks: 'a price is asked before its time',
      find: 'effective_from <= now()',
      replace: 'true',
    },
    'price-oldest': {
      breaks: 'the first price stays for ever',
      find: 'effective_from DESC',
      replace: 'effective_from',
    },
  }),
  ...edits('price_microcredits', {
    'price-rounded-down': {
      breaks: 'a microcredit of each price is given away',
      find: 'numerator + denominator - 1',
      replace: 'numerator',
    },
  }),
];
