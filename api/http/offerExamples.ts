const moment = 1790000000;

/** The examples of offers, for `EXAMPLE`. */
export const OFFER_EXAMPLES = {
  offer: {
    object: 'offer',
    model: 'sora-2',
    seconds: ['4', '8', '12', '16', '20'],
    sizes: ['1280x720', '720x1280'],
    parameters: [{ name: 'seed', type: 'integer', min: 0, max: 4294967295 }],
  },
  setOffer: {
    model: 'wan',
    provider: 'litellm',
    provider_model: 'wan2.2-t2v',
    lengths: { min: 3, max: 10, step: 1 },
    parameters: [
      { name: 'seed', type: 'integer', min: 0, max: 4294967295 },
      { name: 'generate_audio', type: 'boolean', default: false, price: { true: { per_second_microcredits: 20000 } } },
    ],
    charge_rule: 'as_made',
  },
  offerSet: { object: 'offer', id: 9, model: 'wan', effective_from: moment },
  offerVersion: {
    id: '9',
    object: 'offer_version',
    model: 'wan',
    for_sale: true,
    provider: 'litellm',
    provider_model: 'wan2.2-t2v',
    lengths: [3, 4, 5],
    sizes: null,
    length_field: 'seconds',
    size_field: 'size',
    parameters: [{ name: 'seed', type: 'integer', min: 0, max: 4294967295 }],
    prompt_flags: 'allow',
    charge_rule: 'as_made',
    effective_from: moment,
    recorded_by: 'holdfast_service',
  },
} as const;
