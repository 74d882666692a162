import { edits } from './mutant.ts';

/** How many requests a provider gets in a minute, and whose turn comes first. */
export const turns = [
  ...edits('take_turn', {
    'turns-lock': {
      breaks: 'two callers take one turn of a provider both',
      find: ' WHERE p.provider = p_provider FOR UPDATE',
      replace: ' WHERE p.provider = p_provider',
    },
    'turns-burst': {
      breaks: 'a provider gets its burst besides its requests a minute',
      find: 'p_per_minute - burst + 1',
      replace: 'p_per_minute',
    },
    'turns-saved': {
      breaks: 'the turns of a quiet hour are taken at one moment',
      find: 'debt := greatest(0, debt',
      replace: 'debt := greatest(-3600, debt',
    },
    'turns-clock': {
      breaks: 'nothing is sent for an hour after the clock was set back',
      find: 'IF debt > burst * step THEN',
      replace: 'IF false THEN',
    },
    'turns-clock-kept': {
      breaks: 'after the clock was set back, each call is told to come again until the clock has caught up',
      find: "    UPDATE provider_paces p SET whole_at = asked + debt * interval '1 second' WHERE p.provider = p_provider;\n",
      replace: '',
    },
    'turns-order': {
      breaks: 'what waits is overtaken by what comes',
      find: "FILTER (WHERE (w.rank_at, w.waiter) < (rank, COALESCE(p_waiter, '')))",
      replace: 'FILTER (WHERE false)',
    },
    'turns-urgent': {
      breaks: "a hold's last look waits behind everything",
      find: "WHEN 'urgent' THEN interval '-1 hour'",
      replace: "WHEN 'urgent' THEN interval '1 hour'",
    },
    'turns-starved': {
      breaks: 'a look waits for as long as there are new creates',
      find: "WHEN 'look' THEN interval '15 minutes'",
      replace: "WHEN 'look' THEN interval '15 hours'",
    },
    'turns-place': {
      breaks: 'what asks again goes to the end of the line',
      find: 'rank := least(\n',
      replace: 'rank := greatest(\n',
    },
    'turns-dead': {
      breaks: 'a process that died keeps turns from all others',
      find: "      AND w.again_at > asked - interval '3 seconds';",
      replace: ';',
    },
    'turns-kept': {
      breaks: 'what waited and ended is kept for ever',
      find: "w.again_at < asked - interval '10 minutes'",
      replace: 'false',
    },
    'turns-left': {
      breaks: 'what had its turn keeps others from theirs',
      find: '    DELETE FROM provider_waits w WHERE w.provider = p_provider AND w.waiter = p_waiter;\n',
      replace: '',
    },
    'turns-shared': {
      breaks: 'one provider takes the turns of another',
      find: 'FROM provider_paces p WHERE p.provider = p_provider FOR UPDATE',
      replace: 'FROM provider_paces p ORDER BY whole_at DESC LIMIT 1 FOR UPDATE',
    },
  }),
  ...edits('begin_attempt', {
    'turns-attempt': {
      breaks: 'an attempt is on record whose create waits for its turn',
      find: "      answer := 'busy';\n",
      replace: '      NULL;\n',
    },
    'turns-provider': {
      breaks: 'a create takes no turn of the looks',
      find: 'p_requests_per_minute[array_position(p_providers, maker)]',
      replace: 'NULL',
    },
  }),
];
