import { edits } from './mutant.ts';

/** What was made against what was sold. */
export const made = [
  ...edits('made_charge', {
    'made-rule': {
      breaks: 'what was sold is charged though less was made',
      find: "offer.charge_rule IS DISTINCT FROM 'as_made'",
      replace: 'true',
    },
    'made-rule-sold': {
      breaks: 'what was made is charged where the offer says as sold',
      find: "offer.charge_rule IS DISTINCT FROM 'as_made'",
      replace: 'false',
    },
    'made-least': {
      breaks: 'less than the shortest length that is sold is charged',
      find: 'greatest(offer.lengths[1], COALESCE(made.made_seconds, g.seconds))',
      replace: 'COALESCE(made.made_seconds, g.seconds)',
    },
    'made-above': {
      breaks: 'a longer video than was sold can’t be settled',
      find: 'least(g.amount_microcredits, price_microcredits(price.provider_cost_microcredits_per_second, price.margin_basis_points,\n    least(g.seconds, greatest(offer.lengths[1], COALESCE(made.made_seconds, g.seconds))), effects))',
      replace:
        'price_microcredits(price.provider_cost_microcredits_per_second, price.margin_basis_points,\n    greatest(offer.lengths[1], COALESCE(made.made_seconds, g.seconds)), effects)',
    },
    'made-absent': {
      breaks: 'a video of which no length is told is charged for the shortest',
      find: 'COALESCE(made.made_seconds, g.seconds)',
      replace: 'made.made_seconds',
    },
    'made-size': {
      breaks: 'a smaller video is charged as sold',
      find: 'IF FOUND THEN price := smaller; END IF;',
      replace: '',
    },
    'made-later-price': {
      breaks: 'a later price changes what was sold before',
      find: ' AND p.effective_from <= made.requested_at',
      replace: '',
    },
    'made-silent': {
      breaks: 'a silent video is charged with its sound',
      find: "made.made_audio IS NOT false OR e ->> 'parameter' NOT IN (SELECT sound_parameters(g.offer_id))",
      replace: 'true',
    },
    'made-unsold-size': {
      breaks: 'a size that the offer does not sell sets what is charged',
      find: 'AND p.size = ANY (COALESCE(offer.sizes, ARRAY[p.size])) ',
      replace: '',
    },
    'made-same-size': {
      breaks: 'a video of the size that was sold is charged at another price than it was sold at',
      find: ' AND p.size <> g.size',
      replace: '',
    },
    'file-claim': {
      breaks: 'a claim whose file is shorter is charged as the provider told',
      find: "c.variant = 'video' AND c.before_capture",
      replace: 'false',
    },
    'file-repeat': {
      breaks: 'a settlement that is repeated after the archiving is told as a conflict',
      find: ' AND c.before_capture',
      replace: '',
    },
    'file-seconds': {
      breaks: 'a shorter file stays charged as the provider told',
      find: 'COALESCE(counted_seconds(shown.length_ms / 1000.0), made.made_seconds)',
      replace: 'made.made_seconds',
    },
    'file-size': {
      breaks: 'a smaller file stays charged as the provider told',
      find: 'COALESCE(shown.frame_size, made.made_size)',
      replace: 'made.made_size',
    },
    'file-silent': {
      breaks: 'a silent file stays charged as the provider told',
      find: 'COALESCE(shown.has_sound, made.made_audio)',
      replace: 'made.made_audio',
    },
    'made-claim': {
      breaks: 'a claim of a shorter video is charged as sold',
      find: 'maker.id = COALESCE(g.claim_of, g.id)',
      replace: 'maker.id = g.id',
    },
  }),
  ...edits('sound_parameters', {
    'made-sound-sent': {
      breaks: 'sound that is sold under another name is charged though there is none',
      find: ", replace(lower(r ->> 'sent_as'), '_', '')",
      replace: '',
    },
  }),
  ...edits('counted_seconds', {
    'made-fraction': {
      breaks: 'half a second more is made for nothing',
      find: 'ceil(p_seconds - 0.25)',
      replace: 'floor(p_seconds)',
    },
    'made-sliver': {
      breaks: 'a frame more is charged as a second',
      find: 'ceil(p_seconds - 0.25)',
      replace: 'ceil(p_seconds)',
    },
    'made-no-number': {
      breaks: 'a length that is no number keeps the verdict from being recorded',
      find: ' AND p_seconds < 86400',
      replace: '',
    },
    'made-zero': {
      breaks: 'a length of 0 is taken for one',
      find: 'p_seconds > 0 AND ',
      replace: '',
    },
  }),
  ...edits('record_look', {
    'made-unrecorded': {
      breaks: 'that something else was made than was sold is on no record',
      find: "PERFORM append_event(p_generation_id, 'made_otherwise', difference);",
      replace: 'NULL;',
    },
  }),
  ...edits('seconds_made', {
    'made-told': {
      breaks: 'a claim is told the length that its provider told, not the one that is charged',
      find: 'c.generation_id = g.id AND',
      replace: 'false AND',
    },
  }),
  ...edits('guard_generation', {
    'made-again': {
      breaks: 'what was made is changed after it was told',
      find: '(OLD.made_seconds, OLD.made_size, OLD.made_model, OLD.made_audio)\n     IS DISTINCT FROM (NEW.made_seconds, NEW.made_size, NEW.made_model, NEW.made_audio)',
      replace: 'false',
    },
  }),
  ...edits('refund_made', {
    'file-above': {
      breaks: 'the refund that is due is refused because an operator gave a part back before',
      find: ', remaining);',
      replace: ', NULL);',
    },
    'file-other-key': {
      breaks: 'an operator’s key takes the place of our own refund',
      find: "'content otherwise', 'holdfast'",
      replace: "'content_otherwise', 'holdfast'",
    },
    'file-by-operator': {
      breaks: 'our own refund is said to be an operator’s',
      find: "'content otherwise', 'holdfast'",
      replace: "'content otherwise', 'operator'",
    },
  }),
  ...edits('record_content', {
    'file-unrefunded': {
      breaks: 'what was charged above the file stays charged',
      find: 'refund := refund_made(g, recorded);',
      replace: '',
    },
    'file-preview': {
      breaks: 'a small thumbnail is taken for a small video',
      find: "ELSIF p_variant = 'video' AND recorded.state = 'archived'",
      replace: "ELSIF recorded.state = 'archived'",
    },
    'file-unrecorded': {
      breaks: 'nobody learns that the file is something else than was sold',
      find: "PERFORM append_event(p_generation_id, 'content_otherwise', difference);",
      replace: '',
    },
    'file-length': {
      breaks: 'a length that is none is kept',
      find: 'CASE WHEN p_length_ms BETWEEN 1 AND 86400000 THEN p_length_ms END',
      replace: 'p_length_ms',
    },
  }),
  ...edits('refund_generation', {
    'refund-words': {
      breaks: 'an operator’s words about a refund are shown to the customer',
      find: "CASE WHEN p_actor = 'holdfast' THEN p_reason END",
      replace: 'p_reason',
    },
  }),
];
