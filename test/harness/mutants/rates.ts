import { edits } from './mutant.ts';

/** How many requests an API key may send in a minute. */
export const rates = edits('lease_requests', {
  'rates-lock': {
    breaks: 'two processes lease the last request of a key both',
    find: ' WHERE w.api_key_id = p_key FOR UPDATE',
    replace: ' WHERE w.api_key_id = p_key',
  },
  'rates-limit': {
    breaks: 'a key sends more requests than its limit',
    find: 'least(p_wanted, p_per_minute - spent)',
    replace: 'p_wanted',
  },
  'rates-counted': {
    breaks: 'what a process has leased is leased once more',
    find: 'leased = spent + granted',
    replace: 'leased = granted',
  },
  'rates-minute': {
    breaks: 'a key has its requests once, and never again',
    find: 'IF ends <= asked OR',
    replace: "IF ends < asked - interval '1 hour' OR",
  },
  'rates-clock': {
    breaks: 'a key is refused for an hour after the clock was set back',
    find: " OR ends > asked + interval '1 minute'",
    replace: '',
  },
  'rates-end': {
    breaks: 'what was leased is used in the next minute too',
    find: 'ends - asked',
    replace: "asked + interval '1 minute' - asked",
  },
});
