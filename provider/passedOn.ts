/**
 * What gateways and servers say in a sentence where others have a code. Each pattern begins at the beginning, before anything that a
 * customer wrote could be quoted.
 */

/** LiteLLM (1.108 to 1.110, litellm/litellm_core_utils/exception_mapping_utils.py) passes the upstream's whole answer on in its message. */
const WRAPPED = /^litellm\.[A-Za-z.:\s]{1,200}Exception - (?=\{)/;
const BY_POLICY = /^litellm\.[A-Za-z.:\s]{0,200}ContentPolicyViolationError/;
/** LiteLLM's proxy, vLLM-Omni 0.30: the operator's settings name a model that isn't there. */
const NO_SUCH_MODEL = /^(\/[a-z/]{1,40}: Invalid model name passed in model=|Model mismatch: request specifies )/;

const MAX_TEXT = 16_384;
const MOST_ENDS = 50;

/** The upstream's error inside a gateway's message, not yet read; undefined when there is none. Never throws. */
export function passedOn(message: string): unknown {
  const wrapping = WRAPPED.exec(message.slice(0, MAX_TEXT));
  if (wrapping === null) return undefined;
  const text = message.slice(wrapping[0].length, MAX_TEXT);
  // Lines of the gateway's own follow it.
  let end = text.length;
  for (let tries = 0; tries < MOST_ENDS && end > 0; tries += 1) {
    const answer = parsed(text.slice(0, end));
    if (answer !== undefined) return 'error' in answer ? answer.error : answer;
    end = text.lastIndexOf('}', end - 2) + 1;
  }
  return undefined;
}

/** The code that such a sentence stands for; null for every other one. */
export function codeOfSentence(message: string): string | null {
  if (BY_POLICY.test(message)) return 'content_policy_violation';
  return NO_SUCH_MODEL.test(message) ? 'model_not_found' : null;
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
