import { edits } from './mutant.ts';

/** What is sold of a model, and how a request is read and priced by it. */
export const offers = [
  ...edits('quote_video', {
    'offer-withdrawn': { breaks: 'a withdrawn model is sold', find: ' AND o.for_sale;', replace: ';' },
    'offer-provider': {
      breaks: 'credits are held for a model whose provider is not configured',
      find: 'IF offer.provider <> ALL (p_providers) THEN',
      replace: 'IF false THEN',
    },
    'offer-sizes': {
      breaks: 'a size that the offer leaves out is sold',
      find: 'p.size = ANY (COALESCE(offer.sizes, ARRAY[p.size]))',
      replace: 'true',
    },
    'offer-lengths': {
      breaks: 'a length that the offer leaves out is sold',
      find: 'p_seconds <> ALL (offer.lengths)',
      replace: 'false',
    },
    'offer-flags': {
      breaks: 'options in the prompt make more than is paid for',
      find: "offer.prompt_flags = 'refuse' AND has_flags(p_prompt)",
      replace: 'false',
    },
    'offer-flags-text': {
      breaks: 'options in a parameter that is text make more than is paid for',
      find: "THEN fault := 'flags'; END IF;",
      replace: 'THEN NULL; END IF;',
    },
    'offer-unknown': {
      breaks: 'a parameter that is not sold is taken, and not sent',
      find: "IF FOUND THEN outcome := 'refused'; RETURN NEXT; RETURN; END IF;",
      replace: '',
    },
    'offer-fault': {
      breaks: 'a value that the offer refuses is sold',
      find: 'IF fault IS NOT NULL THEN',
      replace: 'IF false THEN',
    },
    'offer-effects': {
      breaks: 'parameters that cost more are not charged',
      find: 'p_seconds, effects)::bigint',
      replace: "p_seconds, '[]')::bigint",
    },
    'offer-remix-defaults': {
      breaks: 'a remix is charged for a parameter that its original did not have',
      find: "CASE WHEN p_remix_of IS NULL THEN rule -> 'default' END",
      replace: "rule -> 'default'",
    },
    'offer-remix-images': {
      breaks: 'a remix pays for the images of its original, which it is not sent',
      find: " - ARRAY['frame_images', 'input_references']",
      replace: '',
    },
  }),
  ...edits('has_flags', {
    'flags-numbers': {
      breaks: 'options that begin with a digit or a mark make more than is paid for',
      find: '|(^|\\s)(--+|\\u2014+)[^-\\u2014\\s]',
      replace: '',
    },
    'flags-dash': {
      breaks: 'options after the dash that a phone writes make more than is paid for',
      find: '|\\u2014+)',
      replace: ')',
    },
  }),
  ...edits('sent_model', {
    'remix-model': {
      breaks: 'a remix whose reply was lost is searched under a later name of its model, and made twice',
      find: 'SELECT COALESCE(g.claim_of, g.remix_of), g.offer_id',
      replace: 'SELECT NULL, g.offer_id',
    },
  }),
  ...edits('read_parameter', {
    'parameter-small': {
      breaks: 'a parameter below its least value is sold',
      find: "amount < (p_rule ->> 'min')::numeric",
      replace: 'false',
    },
    'parameter-large': {
      breaks: 'a parameter above its greatest value is sold',
      find: "amount > (p_rule ->> 'max')::numeric",
      replace: 'false',
    },
    'parameter-step': {
      breaks: 'a parameter between its steps is sold',
      find: "mod(amount - (p_rule ->> 'min')::numeric, (p_rule ->> 'step')::numeric) <> 0",
      replace: 'false',
    },
    'parameter-fraction': {
      breaks: 'a fraction is sold where whole numbers are',
      find: 'amount <> trunc(amount)',
      replace: 'false',
    },
    'parameter-value': {
      breaks: 'a value that is not among those of the offer is sold',
      find: "IF NOT FOUND THEN fault := 'no_value'; END IF;",
      replace: '',
    },
    'parameter-no-text': {
      breaks: 'a list is sold as a text',
      find: "WHEN jsonb_typeof(p_value) <> 'string' THEN 'no_string'",
      replace: "WHEN false THEN ''",
    },
    'parameter-boolean': {
      breaks: 'what is neither true nor false is sold as false',
      find: "ELSE fault := 'no_boolean';",
      replace: "ELSE value := 'false';",
    },
    'parameter-length': {
      breaks: 'a text of any length is sold',
      find: "length(written) > (p_rule ->> 'max_length')::integer",
      replace: 'false',
    },
    'parameter-images': {
      breaks: 'more images are sent than are sold',
      find: "written::numeric BETWEEN 1 AND (p_rule ->> 'max_items')::numeric",
      replace: 'true',
    },
    'parameter-images-number': {
      breaks: 'what is no number of images is kept as one',
      find: "jsonb_typeof(p_value) = 'number'",
      replace: 'true',
    },
  }),
  ...edits('begin_attempt', {
    'attempt-images': {
      breaks: 'the number of images is sent to the provider as a field of its own',
      find: " AND r ->> 'type' <> 'images'",
      replace: '',
    },
  }),
  ...edits('parameter_fault', {
    'parameter-reserved': {
      breaks: 'n, num_frames or a path can be sold as a parameter',
      find: "is_reserved_parameter(p_rule ->> 'name') OR",
      replace: '',
    },
    'parameter-reserved-sent': {
      breaks: 'n, num_frames or a path can be sent under another name',
      find: ' OR is_reserved_parameter(sent)',
      replace: '',
    },
    'parameter-images-rule': {
      breaks: 'images are sold under a name, or in a number, that no dialect sends',
      find: "THEN 'is no list of images'",
      replace: 'THEN NULL',
    },
    'parameter-fields': {
      breaks: 'a rule of a parameter that nobody reads is taken',
      find: "THEN 'has unknown fields'",
      replace: 'THEN NULL',
    },
    'parameter-name': {
      breaks: 'a parameter is sent under what is no name',
      find: "THEN 'has no name'",
      replace: 'THEN NULL',
    },
    'parameter-type': {
      breaks: 'a parameter of no known type is sold, and fails every request',
      find: "THEN 'has an unknown type'",
      replace: 'THEN NULL',
    },
    'parameter-range': { breaks: 'a number is sold without bounds', find: "THEN 'has no range'", replace: 'THEN NULL' },
    'parameter-values': {
      breaks: 'one of a list is sold without the list',
      find: "THEN 'has no values'",
      replace: 'THEN NULL',
    },
    'parameter-unbounded': {
      breaks: 'a text is sold without a bound',
      find: "THEN 'has no maximum length'",
      replace: 'THEN NULL',
    },
    'parameter-default-refused': {
      breaks: 'a default refuses every request that leaves it out',
      find: "THEN 'has a default that it refuses'",
      replace: 'THEN NULL',
    },
    'parameter-price-value': {
      breaks: 'a price for a value that is never sold is taken for one',
      find: "THEN 'has a price for a value that it refuses'",
      replace: 'THEN NULL',
    },
    'parameter-two-effects': {
      breaks: 'a value has two effects, of which one is charged',
      find: 'count(*) = 1 AND ',
      replace: '',
    },
    'parameter-default': {
      breaks: 'the dear value is made, and not paid, where no value is sent',
      find: "AND p_rule ? 'price' AND NOT p_rule ? 'default'",
      replace: 'AND false',
    },
    'parameter-factor': {
      breaks: 'a factor makes a price 0 or negative',
      find: 'BETWEEN 1 AND 1000000\n',
      replace: 'BETWEEN -1000000 AND 1000000\n',
    },
    'parameter-per-second': {
      breaks: 'an amount by second makes a price negative',
      find: "WHEN 'per_second_microcredits' THEN (e ->> k)::numeric BETWEEN 0",
      replace: "WHEN 'per_second_microcredits' THEN (e ->> k)::numeric BETWEEN -1000000000000",
    },
    'parameter-amount': {
      breaks: 'an amount makes a price negative',
      find: "WHEN 'amount_microcredits' THEN (e ->> k)::numeric BETWEEN 0",
      replace: "WHEN 'amount_microcredits' THEN (e ->> k)::numeric BETWEEN -1000000000000",
    },
  }),
  ...edits('is_reserved_parameter', {
    'reserved-spelling': {
      breaks: 'a reserved name is sold in another spelling',
      find: "replace(lower(p_name), '_', '')",
      replace: 'p_name',
    },
  }),
  ...edits('offer_fault', {
    'offer-dear': { breaks: 'a price of an offer is above 2^53 − 1', find: '> 9007199254740991', replace: 'IS NULL' },
    'offer-lengths-order': {
      breaks: 'the shortest length that is sold is not the first one, by which less is charged',
      find: "RETURN 'its lengths are not ascending';",
      replace: 'NULL;',
    },
    'offer-flags-default': {
      breaks: 'an offer that refuses flags has one in a default, and none of its requests is sold',
      find: "has_flags(rule ->> 'default')",
      replace: 'false',
    },
    'offer-parameters': {
      breaks: 'an offer has any number of parameters',
      find: "RETURN 'it has no list of at most 32 parameters';",
      replace: 'NULL;',
    },
    'offer-name-twice': {
      breaks: 'one name means two parameters',
      find: "r ->> 'name' HAVING count(*) > 1",
      replace: "r ->> 'name' HAVING false",
    },
    'offer-names': {
      breaks: 'two parameters are sent under one name',
      find: 'HAVING count(*) > 1)\n     OR EXISTS',
      replace: 'HAVING false)\n     OR EXISTS',
    },
  }),
  ...edits('guard_offer', {
    'offer-unguarded': {
      breaks: 'an offer is taken as it comes',
      find: 'fault := offer_fault(NEW);',
      replace: 'fault := NULL;',
    },
    'offer-price-dear': {
      breaks: 'a new price makes an offer’s price larger than 2^53 − 1',
      find: '> 9007199254740991',
      replace: 'IS NULL',
    },
  }),
  ...edits('set_offer', {
    'offer-key': { breaks: 'a repeat sets a second offer', find: 'IF FOUND THEN', replace: 'IF false THEN' },
    'offer-key-other': {
      breaks: 'a key that was used for another offer is answered with that one',
      find: "RETURN QUERY SELECT 'key_reused', NULL::bigint, NULL::timestamptz, false; RETURN;",
      replace: 'NULL;',
    },
    'offer-past': {
      breaks: 'an offer of the past: what was sold then looks sold otherwise',
      find: 'p_effective_from < recorded',
      replace: 'false',
    },
    'offer-twice-a-moment': {
      breaks: 'two versions at one moment have no answer of their own',
      find: 'ON CONFLICT (model, effective_from) DO NOTHING ',
      replace: '',
    },
  }),
  ...edits('current_offers', {
    'offer-early': { breaks: 'an offer is in force before its time', find: 'effective_from <= now()', replace: 'true' },
    'offer-oldest': {
      breaks: 'the first offer stays for ever',
      find: 'effective_from DESC',
      replace: 'effective_from',
    },
  }),
  ...edits('adopt_video', {
    'twin-parameters': {
      breaks: 'a video is adopted that may have been made with another’s parameters',
      find: ' AND (i.parameters, other.offer_id) IS NOT DISTINCT FROM (asked.parameters, g.offer_id)',
      replace: '',
    },
  }),
];
