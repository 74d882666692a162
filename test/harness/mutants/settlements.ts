import { edits } from './mutant.ts';

const open =
  "NOT EXISTS (SELECT FROM provider_attempts a WHERE a.generation_id = p_generation_id AND (a.outcome IS NULL OR a.outcome = 'conflict'))";

/** Captures and releases: once, and only with their proof. */
export const settlements = [
  ...edits('settle_generation', {
    'settle-again': {
      breaks: 'a repeated settlement is no repeat',
      find: "IF g.state IN ('charged', 'released') THEN",
      replace: 'IF false THEN',
    },
    'settle-conflict': {
      breaks: 'another settlement of a settled generation is answered as settled',
      find: '(g.settlement_reason, g.charged_amount_microcredits) IS DISTINCT FROM (asked, charged)',
      replace: 'false',
    },
    'settle-conflict-amount': {
      breaks: 'a capture of another amount is answered as settled',
      find: '(g.settlement_reason, g.charged_amount_microcredits) IS DISTINCT FROM (asked, charged)',
      replace: 'g.settlement_reason IS DISTINCT FROM asked',
    },
    'settle-conflict-unrecorded': {
      breaks: 'nobody learns of a settlement that came too late',
      find: `PERFORM append_event(p_generation_id, 'settlement_conflict', jsonb_strip_nulls(jsonb_build_object(
        'asked', asked, 'asked_microcredits', p_charge_microcredits, 'stands', g.settlement_reason)));`,
      replace: '',
    },
    'settle-file-kept': {
      breaks: 'the files of refused requests fill the disk',
      find: ' AND cardinality(i.images) > 0',
      replace: ' AND false',
    },
    'settle-file-forgotten': {
      breaks: 'a video is adopted by a request that came with a file',
      find: "SET images = '{}'",
      replace: 'SET images = NULL, image_types = NULL, image_roles = NULL',
    },
    'settle-unheld': { breaks: 'what was never held is settled', find: "g.state <> 'held'", replace: 'false' },
    'settle-order': {
      breaks: 'a repeat is told that nothing is held: the states are looked at in another order',
      find: "BEGIN\n  IF g.state IN ('charged', 'released') THEN",
      replace: `BEGIN
  IF g.state <> 'held' THEN RAISE EXCEPTION 'not held' USING ERRCODE = 'HF002'; END IF;
  IF g.state IN ('charged', 'released') THEN`,
    },
    'charge-released': {
      breaks: 'a release that names an amount is carried out as if it had none',
      find: "p_reason <> 'completed' OR ",
      replace: '',
    },
    'charge-above-hold': {
      breaks: 'a capture of more than is held has no answer of its own',
      find: 'charged > g.amount_microcredits',
      replace: 'false',
    },
    'charge-all': {
      breaks: 'a capture of a part takes the whole hold',
      find: 'COALESCE(p_charge_microcredits, made_charge(g)) END',
      replace: 'g.amount_microcredits END',
    },
    'charge-keeps-rest': {
      breaks: 'the rest of a capture of a part is not given back',
      find: 'a.available_microcredits + hold.amount_microcredits - COALESCE(charged, 0),',
      replace: 'a.available_microcredits + CASE WHEN charge THEN 0 ELSE hold.amount_microcredits END,',
    },
    'charge-nothing': {
      breaks: 'a capture of 0 has no end',
      find: "CASE WHEN p_reason = 'completed' AND due = 0 THEN 'nothing_to_charge' ELSE p_reason END",
      replace: 'p_reason',
    },
    'release-available': {
      breaks: 'a release gives nothing back',
      find: 'a.available_microcredits + hold.amount_microcredits - COALESCE(charged, 0),',
      replace: 'a.available_microcredits,',
    },
    'settle-sign': {
      breaks: 'a settlement adds to what is held',
      find: 'a.held_microcredits - hold.amount_microcredits',
      replace: 'a.held_microcredits + hold.amount_microcredits',
    },
    'settle-unposted': {
      breaks: 'a settlement without a journal transaction',
      find: 'PERFORM post_transaction(',
      replace: 'PERFORM num_nulls(',
    },
    'settle-revenue': {
      breaks: 'a capture of a part books the whole hold as revenue',
      find: '-hold.amount_microcredits, 0, COALESCE(charged, 0))',
      replace: '-hold.amount_microcredits, 0, CASE WHEN charge THEN hold.amount_microcredits ELSE 0 END)',
    },
    'settle-hold': {
      breaks: 'the hold of a settled generation stays active',
      find: "UPDATE holds h SET state = CASE WHEN charge THEN 'captured' ELSE 'released' END, settled_at = settled WHERE h.id = hold.id;",
      replace: '',
    },
    'settle-slot': {
      breaks: 'a settled generation keeps its place under the cap',
      find: ' - CASE WHEN finished AND g.counts_as_active THEN 1 ELSE 0 END',
      replace: '',
    },
    'settle-slot-marked': {
      breaks: 'a settled generation is marked as one that counts',
      find: 'counts_as_active = g.counts_as_active AND NOT finished',
      replace: 'counts_as_active = g.counts_as_active',
    },
    'settle-unfinished': {
      breaks: 'refunds at the hold’s end allow unlimited generations',
      find: 'finished := charge OR is_finished(g);',
      replace: 'finished := true;',
    },
    'proof-completed': {
      breaks: 'a charge without a completed video',
      find: "WHEN 'completed' THEN last_word(g) = 'completed'",
      replace: "WHEN 'completed' THEN true",
    },
    'proof-nothing-to-charge': {
      breaks: 'a release as "nothing delivered" while the video is being made',
      find: "WHEN 'nothing_to_charge' THEN g.claim_of IS NULL AND last_word(g) = 'completed'",
      replace: "WHEN 'nothing_to_charge' THEN true",
    },
    'proof-provider-failed': {
      breaks: 'a free video by a failure that the provider never told',
      find: "WHEN 'provider_failed' THEN g.provider_verdict = 'failed'",
      replace: "WHEN 'provider_failed' THEN true",
    },
    'proof-create-refused': {
      breaks: 'a free video by a refusal that never was',
      find: 'refused.number IS NOT NULL AND ',
      replace: '',
    },
    'proof-unavailable-video': {
      breaks: '"provider unavailable" although it makes the video',
      find: `g.provider_verdict IS NULL\n      AND ${open}`,
      replace: open,
    },
    'proof-unavailable-open': {
      breaks: '"provider unavailable" although a create may have arrived',
      find: `g.provider_verdict IS NULL\n      AND ${open}`,
      replace: 'g.provider_verdict IS NULL',
    },
    'proof-unavailable-conflict': {
      breaks: '"provider unavailable" although the create was answered',
      find: " OR a.outcome = 'conflict'",
      replace: '',
    },
    'proof-cancelled-asked': {
      breaks: 'a cancel that nobody asked for',
      find: 'g.cancel_requested_at IS NOT NULL AND ',
      replace: '',
    },
    'proof-cancelled-made': {
      breaks: 'a free video by a cancel after the create',
      find: 'g.cancel_requested_at IS NOT NULL AND attempts_came_to_nothing(p_generation_id)',
      replace: 'g.cancel_requested_at IS NOT NULL',
    },
    'proof-create-failed-spent': {
      breaks: '"could not be started" with creates left',
      find: 'attempts_spent(p_generation_id) AND attempts_came_to_nothing(p_generation_id)',
      replace: 'attempts_came_to_nothing(p_generation_id)',
    },
    'proof-create-failed-made': {
      breaks: '"could not be started" although the last create made the video, or may have arrived',
      find: 'attempts_spent(p_generation_id) AND attempts_came_to_nothing(p_generation_id)',
      replace: 'attempts_spent(p_generation_id)',
    },
    'proof-expired-time': {
      breaks: 'a release while the hold still has time',
      find: "p_reason = 'expired' AND hold.expires_at > settled",
      replace: 'false',
    },
    'proof-expired-terminal': {
      breaks: 'a completed video times out',
      find: "THEN\n    RETURN QUERY SELECT 'terminal'",
      replace: "AND false THEN\n    RETURN QUERY SELECT 'terminal'",
    },
    'claim-unavailable': {
      breaks: 'a claim is released as "provider unavailable" when its video is there',
      find: 'g.claim_of IS NULL AND g.provider_verdict IS NULL',
      replace: 'g.provider_verdict IS NULL',
    },
    'claim-cancelled': {
      breaks: 'a claim is cancelled when its video is there',
      find: 'g.claim_of IS NULL AND g.cancel_requested_at',
      replace: 'g.cancel_requested_at',
    },
    'emergency-claimable': {
      breaks: "an emergency loses its owner's completed video",
      find: "asked = 'emergency' AND g.kind = 'video' AND g.provider_verdict = 'completed'",
      replace: 'false',
    },
    'proof-emergency-time': {
      breaks: 'an emergency at the first refusal',
      find: "g.settlement_refused_at <= settled - interval '10 minutes'",
      replace: 'g.settlement_refused_at IS NOT NULL',
    },
    'proof-emergency': {
      breaks: 'an emergency that nothing has shown',
      find: "WHEN 'emergency' THEN g.settlement_refused_at <= settled - interval '10 minutes'",
      replace: "WHEN 'emergency' THEN true",
    },
    'proof-unknown': {
      breaks: 'a reason that nobody knows releases',
      find: 'ELSE false END;\n  IF proven',
      replace: 'ELSE true END;\n  IF proven',
    },
    'proof-null': {
      breaks: 'an unknown verdict counts as proof',
      find: 'proven IS NOT TRUE',
      replace: 'NOT proven',
    },
    'emergency-last-word': {
      breaks: 'an emergency gives away a completed video that can be charged',
      find: "p_reason = 'emergency' AND g.claim_of IS NULL AND last_word(g) IS NOT NULL",
      replace: 'false',
    },
    'emergency-refused': {
      breaks: 'a charge that is refused for ever holds the credits for ever',
      find: "integrity_constraint_violation OR data_exception OR raise_exception OR SQLSTATE 'HF004'",
      replace: 'division_by_zero',
    },
  }),
  ...edits('record_settlement_refusal', {
    'refusal-clock': {
      breaks: 'each refused settlement begins the ten minutes anew, so that they never end',
      find: ' AND g.settlement_refused_at IS NULL',
      replace: '',
    },
  }),
  ...edits('is_finished', {
    'finished-open': {
      breaks: 'a create that may have arrived counts as finished',
      find: 'a.outcome IS NULL OR ',
      replace: '',
    },
    'finished-orphan': {
      breaks: 'a create that was not found counts as finished, though it may turn up',
      find: "a.outcome IN ('not_found', 'conflict')",
      replace: "a.outcome = 'conflict'",
    },
    'finished-conflict': {
      breaks: "a create that was answered with another's video counts as finished, though its own may go on",
      find: "a.outcome IN ('not_found', 'conflict')",
      replace: "a.outcome = 'not_found'",
    },
    'finished-never': {
      breaks: 'a video that ended counts for ever',
      find: "COALESCE(g.provider_verdict IN ('completed', 'failed'), false) OR ",
      replace: '',
    },
  }),
  ...edits('free_slot', {
    'slot-held': {
      breaks: 'a generation that holds credits has no place under the cap',
      find: " AND gen.state IN ('charged', 'released')",
      replace: '',
    },
    'slot-unfinished': {
      breaks: 'any look after a refund frees the place under the cap',
      find: ' AND is_finished(gen)',
      replace: '',
    },
    'slot-kept': {
      breaks: 'the late end of a released video frees no place under the cap',
      find: 'active_generations - 1',
      replace: 'active_generations',
    },
  }),
];
