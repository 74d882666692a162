import { refusedFor } from './refusalCodes.ts';

/** What LiteLLM writes before the upstream's own words: its class, and that of the upstream, each once or more. */
const WRAPPING = /^(?:litellm\.)?[A-Za-z]*(?:Error|Exception)\s*(?::|-)\s+/;
/** And after them: its routing. */
const ROUTING = /\.?\s*(?:Received Model Group|Available Model Group|No fallback model group|LiteLLM Retried)\b.*$/s;
const MOST_WRAPPINGS = 4;

/** What only whoever runs the provider understands, or nobody else should read: names of code, addresses, paths, keys, raw data. */
const NOT_FOR_CUSTOMERS =
  /litellm|model.?group|deployment|fallback|traceback|exception|errno|cuda|\bgpu\b|api.?key|\b(sk|org|proj)-|:\/\/|\blocalhost\b|\b[a-z][\w.-]*:\d{2,5}\b|\b\d{1,3}(\.\d{1,3}){3}\b|\.(py|js|ts|go|cpp)\b|(^|\s)[~.]?\/[\w.-]+\/|[{}<>[\]\\`@]|\b(organi[sz]ation|account|team|budget|balance|billing|quota|recharge|rate.?limit|host|worker|server|memory)\b|\b0x[0-9a-f]+/i;
const NAME_OF_CODE = /[a-z](Error|Exception)\b/;
const LONGEST = 300;

const OURS = {
  content: 'The provider’s content policy does not allow this request.',
  input: 'The provider can’t make this from what was asked for.',
  other: 'The provider could not make this.',
} as const;

/**
 * The reason of a failure in words for its customer: the provider's own message where it is plain, without what a gateway wraps
 * around it, else a sentence of ours. The raw message is in the operator's view.
 */
export function plainWords(code: string, told: string): string {
  const about = refusedFor([code]);
  // What the operator owes is nothing for their customers to read.
  if (about === 'bill' || about === 'key' || about === 'model') return OURS.other;
  const plain = unwrapped(told);
  if (plain !== '' && plain.length <= LONGEST && !NOT_FOR_CUSTOMERS.test(plain) && !NAME_OF_CODE.test(plain))
    return plain;
  return about === 'content' || about === 'input' ? OURS[about] : OURS.other;
}

function unwrapped(told: string): string {
  let rest = told.replace(ROUTING, '').trim();
  for (let wrappings = 0; wrappings < MOST_WRAPPINGS && WRAPPING.test(rest); wrappings += 1) {
    rest = rest.replace(WRAPPING, '').trim();
  }
  return rest;
}

/** The code of a failure for its customer: what is about the operator's bill, key or models says only that it failed. */
export function plainCode(code: string): string {
  const about = refusedFor([code]);
  return about === 'bill' || about === 'key' || about === 'model' ? 'generation_failed' : code;
}
