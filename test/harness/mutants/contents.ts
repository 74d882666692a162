import { edits, statements } from './mutant.ts';

/** Contents that are on record as gone, and their refunds. */
export const contents = [
  ...edits('record_content', {
    'contested-content': {
      breaks: "another tenant's video is archived as one's own",
      find: " OR p_state = 'archived' AND made.provider_id_contested_at IS NOT NULL",
      replace: '',
    },
    'gone-early': {
      breaks: 'a link that is not there yet is on record as gone, and refunded',
      find: "IS NULL THEN interval '1 hour'",
      replace: "IS NULL THEN interval '0'",
    },
    'gone-unrefunded': {
      breaks: 'a video that nobody had stays charged',
      find: "p_state = 'gone' AND NOT deleted AND g.state",
      replace: 'false AND g.state',
    },
    'gone-deleted': {
      breaks: 'a video that its owner deleted is refunded',
      find: "p_state = 'gone' AND NOT deleted AND g.state",
      replace: "p_state = 'gone' AND g.state",
    },
    'gone-preview': {
      breaks: 'a missing thumbnail refunds the video',
      find: "p_variant = 'video' AND p_state = 'gone' AND NOT deleted AND g.state",
      replace: "p_state = 'gone' AND NOT deleted AND g.state",
    },
    'gone-held': {
      breaks: 'what was not charged is to be refunded',
      find: " AND g.state = 'charged' AND NOT has_event",
      replace: ' AND NOT has_event',
    },
    'gone-served': {
      breaks: 'a video that its owner was sent is refunded',
      find: " AND NOT has_event(p_generation_id, 'content_served')",
      replace: '',
    },
    'gone-deleting': {
      breaks: 'a video that its owner has deleted at the provider is refunded as lost',
      find: '\n       AND g.deletion_begun_at IS NULL',
      replace: '',
    },
    'gone-again': {
      breaks: 'nothing left to refund is told as a refused refund',
      find: "NULLIF(r.outcome, 'nothing_left')",
      replace: 'r.outcome',
    },
    'gone-refused-unsaid': {
      breaks: 'a refund that was due and refused is on no record',
      find: "refund <> 'refunded'",
      replace: 'false',
    },
    'gone-by-operator': {
      breaks: 'our own refund is said to be an operator’s',
      find: "'content gone', 'holdfast') r",
      replace: "'content gone', 'operator') r",
    },
  }),
  ...edits('begin_owners_deletion', {
    'owners-deletion-of-another': {
      breaks: 'another account takes the refund of a lost video away',
      find: ' AND account_id = p_account_id',
      replace: '',
    },
  }),
  ...edits('record_unusable_content', {
    'unusable-again': {
      breaks: 'the same trouble is told at each try',
      find: "has_event(p_generation_id, 'content_unusable')",
      replace: 'false',
    },
  }),
  ...edits('record_content_served', {
    'served-again': {
      breaks: 'each download adds an event',
      find: " AND NOT has_event(p_generation_id, 'content_served')",
      replace: '',
    },
    'served-apart': {
      breaks: 'who was sent a video in parts gets its credits back too',
      find: 's.parts + EXCLUDED.parts',
      replace: 'EXCLUDED.parts',
    },
    'served-in-part': {
      breaks: 'who was sent some of it is not refunded',
      find: 'served @> int8range(0, p_total)',
      replace: 'served @> 0::bigint',
    },
    'served-pieces': {
      breaks: 'what is kept of the parts grows without end',
      find: ' OR (SELECT count(*) > 1000 FROM unnest(served))',
      replace: '',
    },
    'served-uncharged': {
      breaks: 'what is not charged is on record as served, and would not be refunded later',
      find: "g.state = 'charged' AND ",
      replace: '',
    },
  }),
  ...statements({
    'check-refund-actor': {
      breaks: 'a refund by nobody',
      sql: 'ALTER TABLE refunds DROP CONSTRAINT refunds_actor_known',
    },
  }),
];
