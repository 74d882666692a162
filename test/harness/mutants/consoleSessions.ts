import { edits } from './mutant.ts';

/** Who is signed in to the console. */
export const consoleSessions = [
  ...edits('open_console_session', {
    'console-lock': {
      breaks: 'sessions that are opened at once are more than a key may have',
      find: 'LOCK TABLE console_sessions IN SHARE ROW EXCLUSIVE MODE;',
      replace: '',
    },
    'console-places': {
      breaks: 'a key has as many sessions as it likes',
      find: 'OFFSET 19',
      replace: 'OFFSET 1000',
    },
    'console-own-places': {
      breaks: 'the sessions of one key end those of another',
      find: ' AND s.api_key_id IS NOT DISTINCT FROM p_api_key_id',
      replace: '',
    },
    'console-expired': {
      breaks: 'sessions that have expired are kept for ever',
      find: 'WHERE expires_at <= clock_timestamp()',
      replace: 'WHERE false',
    },
  }),
  ...edits('redeem_console_link', {
    'console-link-kind': {
      breaks: 'who has the token of a session opens others with it',
      find: " AND kind = 'link'",
      replace: '',
    },
    'console-link-end': {
      breaks: 'a link opens a session after its time',
      find: ' AND expires_at > clock_timestamp()',
      replace: '',
    },
    'console-link-unknown': {
      breaks: 'a link that was used opens another session',
      find: 'IF key_id IS NULL THEN RETURN false; END IF;',
      replace: 'key_id := COALESCE(key_id, (SELECT id FROM api_keys LIMIT 1));',
    },
  }),
];
