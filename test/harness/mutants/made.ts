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
  ...edits('record_look', {
    'made-fraction': {
      breaks: 'half a second more is made for nothing',
      find: 'ceil(p_made_seconds)',
      replace: 'floor(p_made_seconds)',
    },
    'made-no-number': {
      breaks: 'a length that is no number keeps the verdict from being recorded',
      find: ' AND p_made_seconds < 86400',
      replace: '',
    },
    'made-unrecorded': {
      breaks: 'that something else was made than was sold is on no record',
      find: "PERFORM append_event(p_generation_id, 'made_otherwise', difference);",
      replace: 'NULL;',
    },
    'made-zero': {
      breaks: 'a length of 0 is taken for one',
      find: 'p_made_seconds > 0 AND ',
      replace: '',
    },
  }),
  ...edits('guard_generation', {
    'made-again': {
      breaks: 'what was made is changed after it was told',
      find: '(OLD.made_seconds, OLD.made_size, OLD.made_model, OLD.made_audio)\n     IS DISTINCT FROM (NEW.made_seconds, NEW.made_size, NEW.made_model, NEW.made_audio)',
      replace: 'false',
    },
  }),
];
