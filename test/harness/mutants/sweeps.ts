import { edits, statements } from './mutant.ts';

/** The sweep of a provider's list: one at a time, and no workflow is told to look without end. */
export const sweeps = [
  ...edits('take_sweep_nudges', {
    'sweeps-ended': {
      breaks: 'a list that says each second that a video has ended makes a history grow',
      find: 'n.listed_ended + EXCLUDED.listed_ended <= 1 AND ',
      replace: '',
    },
    'sweeps-vanished': {
      breaks: 'a list that shows and hides a video in turn makes a history grow',
      find: ' AND n.listed_vanished + EXCLUDED.listed_vanished <= 3',
      replace: '',
    },
    'sweeps-ended-spends': {
      breaks: 'an end that is listed takes one of the looks that are for a loss',
      find: "(p_why = 'vanished')::integer",
      replace: '1',
    },
    'sweeps-spend-webhooks': {
      breaks: 'a list takes the looks that webhooks may ask for',
      find: 'SET listed_ended = ',
      replace: 'SET nudges = n.nudges + 1, listed_ended = ',
    },
    'sweeps-spent-by-webhooks': {
      breaks: 'whoever forges webhooks keeps a workflow from hearing of a listed end',
      find: 'WHERE n.listed_ended',
      replace: 'WHERE n.nudges < 20 AND n.listed_ended',
    },
    'sweeps-settled': {
      breaks: 'workflows that have ended are signalled',
      find: "g.state = 'held' AND ",
      replace: '',
    },
    'sweeps-seen': {
      breaks: 'a workflow that has seen the end of its video is told to look for it',
      find: " AND g.provider_verdict = 'open'",
      replace: '',
    },
  }),
  ...edits('keep_sweep', {
    'sweeps-two': {
      breaks: 'two sweeps read one list, and both call the provider',
      find: 's.sweeper = p_sweeper OR ',
      replace: 'true OR ',
    },
    'sweeps-own': {
      breaks: 'a sweep can not renew its own lease',
      find: 's.sweeper = p_sweeper OR ',
      replace: '',
    },
    'sweeps-dead': {
      breaks: 'nobody sweeps a list any more after a worker was killed',
      find: 's.lease_until < asked',
      replace: 'false',
    },
    'sweeps-clock': {
      breaks: 'nobody sweeps a list for as long as the clock was set back',
      find: "OR s.lease_until > asked + interval '5 minutes'",
      replace: '',
    },
    'sweeps-coverage': {
      breaks: 'workflows poll between two rounds of a list that shows their videos',
      find: 'COALESCE(p_shown, s.shown)',
      replace: 'COALESCE(p_shown, 0)',
    },
  }),
  ...edits('sweep_tells', {
    'sweeps-tell-dead': {
      breaks: 'workflows rely on a sweep that nobody makes',
      find: 's.lease_until > clock_timestamp() AND ',
      replace: '',
    },
    'sweeps-tell-nothing': {
      breaks: 'workflows rely on a list that shows nothing',
      find: 's.shown > 0 AND ',
      replace: '',
    },
    'sweeps-tell-part': {
      breaks: "workflows rely on a list that shows one replica's videos",
      find: ' AND s.missed * 10 <= s.shown',
      replace: '',
    },
  }),
  ...statements({
    'sweeps-check-ended': {
      breaks: 'a function that is wrong makes a workflow look without end, for an end',
      sql: 'ALTER TABLE provider_nudges DROP CONSTRAINT provider_nudges_listed_ended_range',
    },
    'sweeps-check-vanished': {
      breaks: 'a function that is wrong makes a workflow look without end, for a loss',
      sql: 'ALTER TABLE provider_nudges DROP CONSTRAINT provider_nudges_listed_vanished_range',
    },
  }),
];
