import { edits } from './mutant.ts';

/** Creates, looks and adoptions: what the proofs of a settlement are made of. */
export const provider = [
  ...edits('begin_create', {
    'create-known': {
      breaks: 'a second create of a known video',
      find: "WHEN g.provider_verdict IS NOT NULL THEN 'known'",
      replace: '',
    },
    'create-settled': {
      breaks: 'a create after the refund',
      find: "WHEN g.state <> 'held' THEN 'settled'",
      replace: '',
    },
    'create-refused': {
      breaks: 'a create after a refusal',
      find: "WHEN last.outcome = 'refused' THEN 'refused'",
      replace: '',
    },
    'create-open': {
      breaks: 'a blind second create',
      find: "WHEN last.number IS NOT NULL AND last.outcome IS NULL THEN 'open'",
      replace: '',
    },
    'create-cancelled': {
      breaks: 'a create after a cancel',
      find: "WHEN g.cancel_requested_at IS NOT NULL AND nothing_made(p_generation_id) THEN 'cancelled'",
      replace: '',
    },
    'create-spent': {
      breaks: 'creates without end',
      find: "WHEN creates_spent(p_generation_id) THEN 'spent'",
      replace: '',
    },
    'create-late': {
      breaks: 'a create whose video is refunded before it is finished',
      find: 'h.expires_at > clock_timestamp() + ',
      replace: 'h.expires_at IS NOT NULL OR h.expires_at > clock_timestamp() + ',
    },
  }),
  ...edits('creates_spent', {
    'creates-one-more': { breaks: 'a fourth create', find: 'count(*) >= 3', replace: 'count(*) >= 4' },
    'creates-not-made': {
      breaks: 'creates that made nothing are counted: a busy provider ends the generation',
      find: " AND outcome IS DISTINCT FROM 'not_made'",
      replace: '',
    },
  }),
  ...edits('nothing_made', {
    'made-not-found': {
      breaks: 'a create that was not found counts as one that made nothing',
      find: "outcome IS DISTINCT FROM 'not_made'",
      replace: 'outcome IS NULL',
    },
  }),
  ...edits('end_create', {
    'attempt-without-video': {
      breaks: 'an attempt that made a video is closed as one that made nothing',
      find: " OR (p_outcome IN ('created', 'adopted')) <> (p_provider_video_id IS NOT NULL)",
      replace: '',
    },
    'attempt-ends-twice': {
      breaks: 'a late answer changes how an attempt ended',
      find: 'AND number = p_number AND outcome IS NULL',
      replace: 'AND number = p_number',
    },
    'attempt-slot': {
      breaks: 'an attempt that is closed after the refund frees no place under the cap',
      find: 'PERFORM free_slot(p_generation_id);',
      replace: '',
    },
    'orphan-unrecorded': {
      breaks: 'a video that nobody owns is on no record',
      find: "PERFORM append_event(p_generation_id, 'orphan_video', jsonb_build_object('attempt', p_number, 'provider_video_id', p_provider_video_id));",
      replace: 'NULL;',
    },
  }),
  ...edits('lock_visible_fields', {
    'alike-lock': {
      breaks: 'an adoption does not wait for a create of the same fields, whose video it may take',
      find: "PERFORM pg_advisory_xact_lock(('x' || encode(substr(visible, 1, 8), 'hex'))::bit(64)::bigint);",
      replace: '',
    },
  }),
  ...edits('adopt_video', {
    'adopt-rival': {
      breaks: "a video is adopted that may be another tenant's",
      find: 'a.visible_sha256 = visible AND ',
      replace: 'a.visible_sha256 <> visible AND ',
    },
    'adopt-taken': {
      breaks: 'a video of another generation has no answer of its own',
      find: 'IF EXISTS (SELECT FROM generations gen WHERE gen.provider_video_id = p_provider_video_id) THEN',
      replace: 'IF false THEN',
    },
    'adopt-closed': {
      breaks: 'an attempt that ended adopts a video',
      find: ' AND a.number = p_number AND a.outcome IS NULL)',
      replace: ')',
    },
  }),
  ...edits('record_look', {
    'look-at-another': {
      breaks: "another generation's video is evidence",
      find: 'IF g.provider_video_id IS DISTINCT FROM p_provider_video_id THEN',
      replace: 'IF false THEN',
    },
    'look-changes-the-end': {
      breaks: 'a later verdict replaces the first: a failure becomes a charge',
      find: "IF g.provider_verdict = 'open' THEN",
      replace: 'IF g.provider_verdict IS NOT NULL THEN',
    },
    'look-slot': {
      breaks: 'the late end of a refunded video frees no place under the cap',
      find: 'PERFORM free_slot(p_generation_id);',
      replace: '',
    },
  }),
];
