import { edits, statements } from './mutant.ts';

/** What a key may spend a day and a month. */
export const limits = [
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
];
