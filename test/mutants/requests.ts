import { edits } from './mutant.ts';

/** Admission, the keys of requests, giving up, cancelling. */
export const requests = [
  ...edits('find_repeat', {
    'repeat-key-lock': {
      breaks: 'two callers with one key admit two generations',
      find: "PERFORM pg_advisory_xact_lock(hashtextextended(p_account_id || ' ' || p_idempotency_key, 0));",
      replace: '',
    },
    'repeat-key-body': {
      breaks: "one key for two requests: the second gets the first one's answer",
      find: 'earlier.fingerprint <> p_fingerprint',
      replace: 'false',
    },
    'repeat-key-running': {
      breaks: 'a key in use is admitted again',
      find: `ELSIF earlier_state = 'requested' THEN
    RETURN`,
      replace: `ELSIF false THEN
    RETURN`,
    },
    'repeat-key-replay': {
      breaks: 'a repeat of what was held, charged or refunded is a second generation',
      find: `earlier.answer_status IS NOT NULL OR earlier_state IN ('held', 'charged', 'refunded')`,
      replace: 'earlier.answer_status IS NOT NULL',
    },
    'repeat-key-age': {
      breaks: "a key of last month answers with that month's video",
      find: "earlier.created_at < clock_timestamp() - interval '72 hours'",
      replace: 'false',
    },
    'repeat-key-refused-hold': {
      breaks: 'a key whose hold was refused for lack of credits is admitted after a top-up',
      find: `
    OR g.refusal_code IN ('insufficient_credits', 'key_spend_limit')`,
      replace: '',
    },
    'retry-lock': {
      breaks: 'two retries at once are handed one generation, or pay for two',
      find: "PERFORM pg_advisory_xact_lock(hashtextextended(p_api_key_id || ' ' || encode(p_fingerprint, 'hex'), 1));",
      replace: '',
    },
  }),
  ...edits('hand_out_again', {
    'retry-of-another': {
      breaks: "a lost reply hands over another key's video",
      find: 'gen.api_key_id = p_api_key_id AND ',
      replace: '',
    },
    'retry-of-another-body': {
      breaks: 'a retry hands over a video of another body',
      find: 'gen.fingerprint = p_fingerprint AND ',
      replace: '',
    },
    'retry-known': {
      breaks: 'a second order of the same video gets the first one again',
      find: 'gen.known_at IS NULL\n',
      replace: 'true\n',
    },
    'retry-window': {
      breaks: 'a retry hands over what was asked for long ago',
      find: "gen.handed_out_at > clock_timestamp() - p_within_ms * interval '1 millisecond'",
      replace: 'true',
    },
    'retry-renewed': {
      breaks: 'the third try comes after the time of the first and pays again',
      find: ', handed_out_at = clock_timestamp()',
      replace: '',
    },
    'retry-in-turn': {
      breaks: 'two lost answers are both replaced by the same video',
      find: 'replays = gen.replays + 1, ',
      replace: '',
    },
    'retry-oldest-first': {
      breaks: 'a retry is handed what has just been delivered to another client',
      find: 'ORDER BY gen.replays, gen.handed_out_at, gen.id',
      replace: 'ORDER BY gen.replays, gen.id',
    },
  }),
  ...edits('mark_known', {
    'known-to-another': {
      breaks: "another key's look makes an SDK's retry pay again",
      find: 'api_key_id = p_api_key_id AND ',
      replace: '',
    },
  }),
  ...edits('find_operation', {
    'operation-lock': {
      breaks: 'two callers with one key open two accounts',
      find: "PERFORM pg_advisory_xact_lock(hashtextextended(p_scope || ' ' || p_key, 2));",
      replace: '',
    },
  }),
  ...edits('admit_priced', {
    'admit-repeat': {
      breaks: 'two repeats at once are admitted both',
      find: 'IF FOUND THEN',
      replace: 'IF false THEN',
    },
    'admit-key-refused': {
      breaks: 'a key that was refused for lack of credits is admitted after a top-up',
      find: 'PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, NULL, amount);',
      replace: '',
    },
    'admit-frozen': { breaks: 'a frozen account is admitted', find: 'account.frozen_at IS NOT NULL', replace: 'false' },
    'admit-funds': {
      breaks: 'requests that cannot be paid are admitted',
      find: 'account.available_microcredits < amount',
      replace: 'false',
    },
  }),
  ...edits('void_generation_if_late', {
    'void-early': {
      breaks: 'a repeat voids the request that is being held',
      find: ' AND clock_timestamp() > g.admit_by',
      replace: '',
    },
  }),
  ...edits('void_generation', {
    'void-held': {
      breaks: 'what is held is voided (503) and its credits stay held',
      find: "IF g.state = 'requested' THEN",
      replace: "IF g.state IN ('requested', 'held') THEN",
    },
  }),
  ...edits('keep_answer', {
    'keep-answer-other': {
      breaks: 'a refusal that is told late is the answer to a later request under its key',
      find: 'generation_id = p_generation_id',
      replace: 'true',
    },
    'answer-kept-twice': { breaks: 'a later answer replaces the first', find: ' AND answer IS NULL', replace: '' },
  }),
  ...edits('request_cancel', {
    'cancel-twice': {
      breaks: 'ten thousand cancels grow a history',
      find: ' AND g.cancel_requested_at IS NULL',
      replace: '',
    },
    'cancel-settled': {
      breaks: 'what is settled is cancelled',
      find: "g.state IN ('requested', 'held') AND ",
      replace: '',
    },
  }),
  ...edits('delete_generation', {
    'delete-open': {
      breaks: 'a generation is hidden while it holds credits',
      find: " OR g.state NOT IN ('charged', 'refunded')",
      replace: '',
    },
    'delete-of-another': {
      breaks: "another tenant's video is deleted",
      find: 'g.account_id IS DISTINCT FROM p_account_id OR ',
      replace: '',
    },
  }),
];
