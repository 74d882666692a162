import { edits } from './mutant.ts';

/** Guards of MR-6: no derived figure may refuse a settlement. */
export const derivedFigures = [
  ...edits('elapsed_ms', {
    'derived-duration': {
      breaks: 'a clock that stepped back refuses a charge',
      find: 'BETWEEN 0 AND 315360000',
      replace: 'IS NOT NULL',
    },
  }),
  ...edits('settle_generation', {
    'derived-slot': {
      breaks: 'an account’s count that is too low refuses a settlement',
      find: 'greatest(0, a.active_generations - CASE WHEN finished AND g.counts_as_active THEN 1 ELSE 0 END)',
      replace: 'a.active_generations - CASE WHEN finished AND g.counts_as_active THEN 1 ELSE 0 END',
    },
  }),
  ...edits('free_slot', {
    'derived-slot-late': {
      breaks: 'an account’s count that is too low refuses the record of a late end',
      find: 'greatest(0, active_generations - 1)',
      replace: 'active_generations - 1',
    },
  }),
  ...edits('stop_following', {
    'derived-slot-followed': {
      breaks: 'an account’s count that is too low lets a released video be followed for ever',
      find: 'greatest(0, active_generations - 1)',
      replace: 'active_generations - 1',
    },
  }),
  ...edits('record_look', {
    'derived-progress': {
      breaks: 'a progress that is no percentage keeps a verdict from being recorded',
      find: 'p_progress := CASE WHEN p_progress BETWEEN 0 AND 100 THEN p_progress END;',
      replace: '',
    },
  }),
  ...edits('plausible_time', {
    'derived-time': {
      breaks: 'a time that can’t be one is kept, and the video can’t be shown',
      find: "CASE WHEN p_told BETWEEN '1970-01-01 00:00:00+00' AND '9999-12-31 00:00:00+00' THEN p_told END",
      replace: 'p_told',
    },
  }),
  ...edits('end_text', {
    'derived-usage': {
      breaks: 'a count below zero keeps the end of a text from being recorded',
      find: '(p_input_tokens >= 0 AND p_output_tokens >= 0) IS NOT TRUE',
      replace: 'false',
    },
  }),
  ...edits('return_spending', {
    'derived-spending': {
      breaks: 'what a key has spent refuses a settlement when it can’t be written',
      find: 'WHEN OTHERS THEN',
      replace: 'WHEN division_by_zero THEN',
    },
  }),
];
