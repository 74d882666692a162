import { edits } from './mutant.ts';

/** Admission, the keys of requests, giving up, cancelling. */
export const requests = [
  ...edits('admit_priced', {
    'admit-key-lock': {
      breaks: 'two callers with one key admit two generations',
      find: "PERFORM pg_advisory_xact_lock(hashtextextended(p_account_id || ' ' || p_idempotency_key, 0));",
      replace: '',
    },
    'admit-key-body': {
      breaks: "one key for two requests: the second gets the first one's answer",
      find: 'earlier.fingerprint <> p_fingerprint',
      replace: 'false',
    },
    'admit-key-running': {
      breaks: 'a key in use is admitted again',
      find: `ELSIF earlier_state = 'requested' THEN
        RETURN`,
      replace: `ELSIF false THEN
        RETURN`,
    },
    'admit-key-replay': {
      breaks: 'a repeat of what was held, charged or refunded is a second generation',
      find: `earlier.answer_status IS NOT NULL OR earlier_state IN ('held', 'charged', 'refunded')`,
      replace: 'earlier.answer_status IS NOT NULL',
    },
    'admit-key-age': {
      breaks: "a key of last month answers with that month's video",
      find: "earlier.created_at < clock_timestamp() - interval '72 hours'",
      replace: 'false',
    },
    'admit-key-refused': {
      breaks: 'a key that was refused for lack of credits is admitted after a top-up',
      find: 'IF p_idempotency_key IS NOT NULL THEN\n      INSERT INTO idempotency_keys AS k (account_id, key, fingerprint, answer_status)',
      replace: 'IF false THEN\n      INSERT INTO idempotency_keys AS k (account_id, key, fingerprint, answer_status)',
    },
    'admit-key-refused-hold': {
      breaks: 'a key whose hold was refused for lack of credits is admitted after a top-up',
      find: `
        OR EXISTS (SELECT FROM generations gen WHERE gen.id = earlier.generation_id AND gen.refusal_code IN ('insufficient_credits', 'key_spend_limit'))`,
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
  ...edits('find_unanswered', {
    'lost-reply-of-another': {
      breaks: "a lost reply hands over another key's video",
      find: 'api_key_id = p_api_key_id AND ',
      replace: '',
    },
    'lost-reply-answered': {
      breaks: 'a second order of the same video gets the first one again',
      find: ' AND answered_at IS NULL',
      replace: '',
    },
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
