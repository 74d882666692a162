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
      breaks: 'a repeat of what was held, charged or released is a second generation',
      find: `earlier.answer_status IS NOT NULL OR earlier_state IN ('held', 'charged', 'released')`,
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
    'retry-of-keyed': {
      breaks: 'a call without an idempotency key gets the video of one that has one, and its own is not made',
      find: '        AND NOT EXISTS (SELECT FROM idempotency_keys k WHERE k.generation_id = gen.id)\n',
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
    'admit-closed': {
      breaks: 'a request is admitted while sales are closed',
      find: "WHEN sales_are_closed() THEN 'sales_closed'",
      replace: '',
    },
    'admit-frozen': { breaks: 'a frozen account is admitted', find: 'account.frozen_at IS NOT NULL', replace: 'false' },
    'admit-funds': {
      breaks: 'requests that cannot be paid are admitted',
      find: 'account.available_microcredits < amount',
      replace: 'false',
    },
    'admit-dear': {
      breaks: 'what costs more than its client wants is written, and its upload stays',
      find: 'amount > p_max_microcredits',
      replace: 'false',
    },
    'admit-cap': {
      breaks: 'uploads beyond the cap are written',
      find: 'account.active_generations >= account.max_active_generations',
      replace: 'false',
    },
    'admit-limit': {
      breaks: 'uploads that a key may not pay for are written',
      find: 'NOT limits_leave_room(p_api_key_id, amount)',
      replace: 'false',
    },
  }),
  ...edits('limits_leave_room', {
    'admit-limit-day': {
      breaks: 'uploads beyond the limit of a day are written',
      find: '+ p_amount > k.daily_limit_microcredits',
      replace: '+ p_amount > NULL::bigint',
    },
    'admit-limit-month': {
      breaks: 'uploads beyond the limit of a month are written',
      find: '> k.monthly_limit_microcredits',
      replace: '> NULL::bigint',
    },
  }),
  ...edits('place_hold', {
    'refused-upload': {
      breaks: 'the uploads of refused requests stay',
      find: 'PERFORM erase_inputs(p_generation_id);',
      replace: '',
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
    'voided-upload': {
      breaks: 'the uploads of requests that were given up stay',
      find: 'PERFORM erase_inputs(p_generation_id);',
      replace: '',
    },
  }),
  ...edits('erase_inputs', {
    'erase-labels': {
      breaks: 'user and metadata stay after a deletion',
      find: 'DELETE FROM generation_labels WHERE generation_id = p_generation_id;',
      replace: '',
    },
  }),
  ...edits('keep_answer', {
    'keep-answer-other': {
      breaks: 'a refusal that is told late is the answer to a later request under its key',
      find: 'generation_id = p_generation_id',
      replace: 'true',
    },
    'answer-of-a-deleted': {
      breaks: 'an answer that is kept late brings a deleted prompt back',
      find: ' AND NOT is_deleted(generation_id)',
      replace: '',
    },
    'answer-beside-a-deletion': {
      breaks: 'an answer that is kept while its video is deleted brings the prompt back',
      find: 'PERFORM FROM idempotency_keys WHERE account_id = p_account_id AND key = p_key FOR NO KEY UPDATE;',
      replace: '',
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
      find: " OR g.state NOT IN ('charged', 'released')",
      replace: '',
    },
    'delete-of-another': {
      breaks: "another tenant's video is deleted",
      find: 'g.account_id IS DISTINCT FROM p_account_id OR ',
      replace: '',
    },
    'delete-inputs': {
      breaks: 'a deleted prompt and its reference stay',
      find: 'PERFORM erase_inputs(p_generation_id);',
      replace: '',
    },
    'delete-output': {
      breaks: 'what was written stays after its deletion',
      find: "UPDATE texts SET output = '' WHERE generation_id = p_generation_id;",
      replace: '',
    },
    'delete-refusal': {
      breaks: 'a refusal that quotes a deleted prompt stays',
      find: 'UPDATE provider_attempts SET error_message = NULL WHERE generation_id = p_generation_id AND error_message IS NOT NULL;',
      replace: '',
    },
    'delete-answer': {
      breaks: 'a kept answer has the deleted prompt',
      find: 'UPDATE idempotency_keys SET answer = NULL WHERE generation_id = p_generation_id;',
      replace: '',
    },
    'delete-error': {
      breaks: 'an error that quotes a deleted prompt stays',
      find: ', error_message = NULL, provider_error_message = NULL',
      replace: '',
    },
  }),
  ...edits('record_look', {
    'late-words': {
      breaks: 'a late look brings a deleted prompt back',
      find: 'CASE WHEN gen.deleted_at IS NULL THEN p_error_message END',
      replace: 'p_error_message',
    },
  }),
  ...edits('end_attempt', {
    'late-refusal': {
      breaks: 'a late refusal brings a deleted prompt back',
      find: 'WHEN NOT is_deleted(p_generation_id) THEN p_error_message END',
      replace: 'ELSE p_error_message END',
    },
  }),
  ...edits('guard_attempt', {
    'erase-any-refusal': {
      breaks: 'the refusals of what was not deleted can be erased',
      find: ' AND is_deleted(OLD.generation_id)',
      replace: '',
    },
    'erase-more': {
      breaks: 'a deletion can change how an attempt ended',
      find: "\n     AND to_jsonb(NEW) - 'error_message' = to_jsonb(OLD) - 'error_message'",
      replace: '',
    },
  }),
  ...edits('guard_text', {
    'erase-any-text': {
      breaks: 'a text that was paid for and not deleted can be erased',
      find: ' AND is_deleted(OLD.generation_id)',
      replace: '',
    },
    'erase-more-of-a-text': {
      breaks: 'a deletion can change what a text was billed by',
      find: " AND to_jsonb(NEW) - 'output' = to_jsonb(OLD) - 'output'",
      replace: '',
    },
  }),
  ...edits('guard_generation', {
    'erase-any-error': {
      breaks: 'the error of what was not deleted can be erased',
      find: 'NEW.deleted_at IS NOT NULL AND NEW.error_message IS NULL',
      replace: 'NEW.error_message IS NULL',
    },
    'delete-undone': {
      breaks: 'what its owner deleted comes back',
      find: 'OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL',
      replace: 'false',
    },
  }),
  ...edits('set_sales', {
    'sales-key-reused': {
      breaks: 'one key for two changes of the switch: the second is answered with the first',
      find: 'before AND (change.is_open, change.reason) IS DISTINCT FROM (p_is_open, p_reason)',
      replace: 'false',
    },
  }),
];
