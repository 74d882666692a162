import { edits } from './mutant.ts';

/** Creates, looks and adoptions: what the proofs of a settlement are made of. */
export const provider = [
  ...edits('begin_attempt', {
    'contested-remix': {
      breaks: "a remix is made from another tenant's video",
      find: ' OR made.provider_id_contested_at IS NOT NULL',
      replace: '',
    },
    'attempt-elsewhere': {
      breaks: 'a video is submitted to another provider than it was sold for',
      find: 'COALESCE(g.provider_name, ',
      replace: 'COALESCE(',
    },
    'attempt-moves': {
      breaks: 'a second attempt goes to another provider than the first',
      find: ", split_part(g.provider, '@', 1)",
      replace: '',
    },
    'attempt-without-provider': {
      breaks: 'an attempt is begun that no provider may make',
      find: "    WHEN maker IS NULL THEN 'no_provider'\n",
      replace: '',
    },
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
      find: "WHEN g.cancel_requested_at IS NOT NULL THEN 'cancelled'",
      replace: '',
    },
    'create-cancelled-once': {
      breaks: 'a second create after a cancel, because the first was not found',
      find: "WHEN g.cancel_requested_at IS NOT NULL THEN 'cancelled'",
      replace: "WHEN g.cancel_requested_at IS NOT NULL AND last.number IS NULL THEN 'cancelled'",
    },
    'create-conflict': {
      breaks: "a second create after one that was answered with another's video",
      find: "WHEN last.outcome = 'conflict' THEN 'conflict'",
      replace: '',
    },
    'remix-elsewhere': {
      breaks: 'a remix of whatever has that id at another provider',
      find: 'made.provider IS DISTINCT FROM maker OR ',
      replace: '',
    },
    'create-spent': {
      breaks: 'creates without end',
      find: "WHEN attempts_spent(p_generation_id) THEN 'spent'",
      replace: '',
    },
    'create-late': {
      breaks: 'an attempt whose hold is released before its video is finished',
      find: 'h.expires_at > clock_timestamp() + ',
      replace: 'h.expires_at IS NOT NULL OR h.expires_at > clock_timestamp() + ',
    },
  }),
  ...edits('attempts_spent', {
    'creates-one-more': { breaks: 'a fourth create', find: 'count(*) >= 3', replace: 'count(*) >= 4' },
    'creates-not-made': {
      breaks: 'creates that made nothing are counted: a busy provider ends the generation',
      find: " AND outcome IS DISTINCT FROM 'not_made'",
      replace: '',
    },
  }),
  ...edits('attempts_came_to_nothing', {
    'nothing-open': {
      breaks: 'a free video by a cancel while a create may have arrived',
      find: 'outcome IS NULL OR ',
      replace: '',
    },
    'nothing-conflict': {
      breaks: 'a create that was answered counts as one that made nothing',
      find: "('not_made', 'not_found')",
      replace: "('not_made', 'not_found', 'conflict')",
    },
    'nothing-not-found': {
      breaks: 'a cancel waits for the hold’s end although nothing was found',
      find: "('not_made', 'not_found')",
      replace: "('not_made')",
    },
  }),
  ...edits('end_attempt', {
    'attempt-without-video': {
      breaks: 'an attempt that made a video is closed as one that made nothing',
      find: " OR (p_outcome IN ('created', 'adopted')) <> (p_provider_video_id IS NOT NULL)",
      replace: '',
    },
    'attempt-ends-twice': {
      breaks: 'a late answer changes how an attempt ended',
      find: 'IF NOT FOUND OR attempt.outcome IS NOT NULL THEN',
      replace: 'IF NOT FOUND THEN',
    },
    'attempt-conflict-said': {
      breaks: 'whoever asks for it makes a conflict of an attempt',
      find: "p_outcome = 'conflict' OR ",
      replace: '',
    },
    'conflict-not-made': {
      breaks: "a create that was answered with another's video is taken for one that made nothing",
      find: "ended := 'conflict';",
      replace: "ended := 'not_made';",
    },
    'contested-unmarked': {
      breaks: 'who had an id before it was given again is charged for, and shown, what another asked for',
      find: 'AND owner.provider_id_contested_at IS NULL',
      replace: 'AND false',
    },
    'contested-twin': {
      breaks: 'a twin that found its video loses it to the late answer of the other',
      find: "a.outcome = 'adopted' AND ",
      replace: 'false AND ',
    },
    'contested-later': {
      breaks: 'an id that comes again for an equal request is taken for a twin’s, and another create follows',
      find: 'AND a.ended_at > attempt.begun_at ',
      replace: '',
    },
    'conflict-repeated': {
      breaks: 'a retry takes what is in conflict for its own',
      find: "attempt.outcome = 'conflict' OR ",
      replace: '',
    },
    'attempt-slot': {
      breaks: 'an attempt that is closed after the refund frees no place under the cap',
      find: 'PERFORM free_slot(p_generation_id);',
      replace: '',
    },
    'spelled-owner': {
      breaks: 'a video is owned in one spelling of its id only, and another generation adopts it',
      find: 'provider_canonical_id = p_provider_canonical_id,\n          provider_verdict',
      replace: 'provider_canonical_id = p_provider_video_id,\n          provider_verdict',
    },
    'spelled-orphan': {
      breaks: 'a video that was adopted is on record as nobody’s',
      find: 'owner.provider_canonical_id = p_provider_canonical_id) THEN',
      replace: 'owner.provider_video_id = p_provider_video_id) THEN',
    },
    'spelled-conflict': {
      breaks: 'who has a video under another spelling is charged for, and shown, what another asked for',
      find: 'AND owner.provider_canonical_id = p_provider_canonical_id AND owner.provider_id_contested_at',
      replace: 'AND owner.provider_video_id = p_provider_video_id AND owner.provider_id_contested_at',
    },
    'spelled-twin': {
      breaks: 'a twin that found its video loses it to the late answer of the other, which spells it differently',
      find: 'AND owner.provider_canonical_id = p_provider_canonical_id AND owner.account_id',
      replace: 'AND owner.provider_video_id = p_provider_video_id AND owner.account_id',
    },
    'spelled-repeat': {
      breaks: 'one answer that is recorded twice counts as a lost one',
      find: 'g.provider_canonical_id IS NOT DISTINCT FROM p_provider_canonical_id',
      replace: 'g.provider_video_id IS NOT DISTINCT FROM p_provider_video_id',
    },
    'renamed-orphan': {
      breaks: 'a video that was adopted under another name of its server is on record as nobody’s',
      find: "split_part(owner.provider, '@', 2) = split_part(g.provider, '@', 2) AND owner.provider_canonical_id = p_provider_canonical_id) THEN",
      replace: 'owner.provider = g.provider AND owner.provider_canonical_id = p_provider_canonical_id) THEN',
    },
    'renamed-twin': {
      breaks: 'a twin that found its video loses it to the late answer of the other, under another name of the server',
      find: "split_part(owner.provider, '@', 2) = split_part(g.provider, '@', 2)\n            AND",
      replace: 'owner.provider = g.provider\n            AND',
    },
    'renamed-conflict': {
      breaks: 'who has a video under another name of its server is charged for, and shown, what another asked for',
      find: "split_part(owner.provider, '@', 2) = split_part(g.provider, '@', 2)\n          AND",
      replace: 'owner.provider = g.provider\n          AND',
    },
    'orphan-unrecorded': {
      breaks: 'a video that nobody owns is on no record',
      find: "PERFORM append_event(p_generation_id, 'orphan_video', jsonb_build_object('attempt', p_number, 'provider_video_id', p_provider_video_id));",
      replace: 'NULL;',
    },
  }),
  ...edits('visible_fields', {
    'alike-wide': {
      breaks: 'a video is adopted that may be the trimmed one of another tenant',
      find: 'wide_text(i.prompt)',
      replace: 'i.prompt',
    },
  }),
  ...edits('quote_video', {
    'remix-maker': {
      breaks: 'a remix is sold for another provider than made its original',
      find: "COALESCE(split_part(made.provider, '@', 1), made.provider_name)",
      replace: 'offer.provider',
    },
  }),
  ...edits('adopt_video', {
    'adopt-renamed': {
      breaks: 'a video that was paid for under another name of its server is adopted',
      find: "split_part(gen.provider, '@', 2) = split_part(g.provider, '@', 2)",
      replace: 'gen.provider = g.provider',
    },
    'adopt-spelled': {
      breaks: 'a list shows a video that is owned under another spelling, and it counts as free',
      find: 'gen.provider_canonical_id = v.id',
      replace: 'gen.provider_video_id = v.id',
    },
    'adopt-rival': { breaks: "a video is adopted that may be another tenant's", find: 'rivals > 0 OR ', replace: '' },
    'adopt-reference': {
      breaks: 'a video is adopted that may be made from another picture',
      find: ' OR asked.images IS NOT NULL',
      replace: '',
    },
    'adopt-cut': {
      breaks: "a video is adopted whose text may be cut off another tenant's",
      find: ' OR starts_with(wide_text(i.prompt), wide_text(asked.prompt))',
      replace: '',
    },
    'alike-deleted': {
      breaks: 'the video of a deleted generation is taken for that of another account',
      find: 'i.prompt IS NULL OR starts_with',
      replace: 'starts_with',
    },
    'adopt-text': {
      breaks: 'a lost video is not found while a text is written',
      find: " AND other.kind = 'video'",
      replace: '',
    },
    'adopt-elsewhere': {
      breaks: "a stranger's video is adopted, because an equal attempt at another server counts as a twin",
      find: "      AND split_part(other.provider, '@', 2) = split_part(g.provider, '@', 2)\n",
      replace: '',
    },
    'adopt-rival-renamed': {
      breaks: "a video is adopted that may be another tenant's, who asked under another name of the server",
      find: "split_part(other.provider, '@', 2) = split_part(g.provider, '@', 2)",
      replace: 'other.provider = g.provider',
    },
    'adopt-twin-account': {
      breaks: "another tenant's request is a twin",
      find: 'other.account_id = g.account_id AND ',
      replace: '',
    },
    'adopt-twin-prompt': {
      breaks: 'what only looks the same is a twin',
      find: ' AND i.prompt = asked.prompt',
      replace: '',
    },
    'adopt-twin-reference': {
      breaks: 'a request with a picture is the twin of one without',
      find: ' AND i.images IS NULL',
      replace: '',
    },
    'adopt-unequal': {
      breaks: 'the one video of two twins is adopted, whosoever it is',
      find: 'cardinality(free_places) <> 1 + twins',
      replace: 'false',
    },
    'adopt-spelled-twice': {
      breaks: 'one video that is listed under two spellings is given to one of two equal attempts, whosesoever it is',
      find: 'array_position(p_canonical_ids, v.id) = v.place\n      AND ',
      replace: '',
    },
    'adopt-taken': {
      breaks: 'a video of another generation has no answer of its own',
      find: 'cardinality(free_places) = 0',
      replace: 'false',
    },
    'adopt-taken-meanwhile': {
      breaks: 'a video that is given away at the same moment fails the look',
      find: 'WHEN unique_violation THEN',
      replace: 'WHEN division_by_zero THEN',
    },
    'adopt-closed': {
      breaks: 'an attempt that ended adopts a video',
      find: ' AND a.number = p_number AND a.outcome IS NULL;',
      replace: ';',
    },
  }),
  ...edits('note_ownerless_videos', {
    'ownerless-again': {
      breaks: 'an old video that is listed again is taken for what a later create made',
      find: 'ON CONFLICT DO NOTHING',
      replace: "ON CONFLICT (provider, provider_canonical_id) DO UPDATE SET sequence = nextval('attempt_order')",
    },
    'ownerless-kept': {
      breaks: 'videos without an owner fill the database',
      find: "DELETE FROM ownerless_videos WHERE listed_at < clock_timestamp() - interval '48 hours';",
      replace: '',
    },
  }),
  ...edits('record_look', {
    'contested-look': {
      breaks: 'what is said of a contested id settles a hold',
      find: 'IF g.provider_id_contested_at IS NOT NULL THEN',
      replace: 'IF false THEN',
    },
    'look-at-another': {
      breaks: "another generation's video is evidence",
      find: 'IF g.provider_canonical_id IS DISTINCT FROM p_provider_canonical_id THEN',
      replace: 'IF false THEN',
    },
    'look-changes-the-end': {
      breaks: 'a later verdict replaces the first: a failure becomes a charge',
      find: "IF g.provider_verdict = 'open' THEN",
      replace: 'IF g.provider_verdict IS NOT NULL THEN',
    },
    'look-slot': {
      breaks: 'the late end of a released video frees no place under the cap',
      find: 'PERFORM free_slot(p_generation_id);',
      replace: '',
    },
  }),
  ...edits('record_provider_event', {
    'spelled-event': {
      breaks: 'a webhook that spells the id of a video differently is about nobody’s',
      find: 'g.provider_canonical_id = p_provider_canonical_id',
      replace: 'g.provider_video_id = p_provider_video_id',
    },
  }),
];
