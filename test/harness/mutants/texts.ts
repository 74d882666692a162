import { edits, statements } from './mutant.ts';

/** Texts: what was delivered is charged, once, and never more than is held. */
export const texts = [
  ...edits('text_charge', {
    'text-held': {
      breaks: 'a text is charged more than is held for it',
      find: 'least(g.amount_microcredits, ',
      replace: '(',
    },
    'text-nothing': { breaks: 'nothing was delivered, and it is charged', find: "t.output = ''", replace: 'false' },
    'text-billed': {
      breaks: 'a text is charged its upper bound though the provider told what it billed',
      find: 'WHEN t.output_tokens > 0 THEN t.output_tokens',
      replace: 'WHEN false THEN t.output_tokens',
    },
    'text-bound': {
      breaks: 'a text that broke off is charged all that it might have become',
      find: 'least(t.max_output_tokens, octet_length(t.output))',
      replace: 't.max_output_tokens',
    },
    'text-zero': {
      breaks: 'a text that was delivered is charged by a count of nothing',
      find: 'WHEN t.output_tokens > 0 THEN t.input_tokens',
      replace: 'WHEN t.output_tokens >= 0 THEN t.input_tokens',
    },
  }),
  ...edits('keep_text', {
    'text-writer': {
      breaks: 'a writer that was given up goes on writing',
      find: 'AND a.number = p_number AND a.outcome IS NULL',
      replace: '',
    },
    'text-shorter': {
      breaks: 'what was delivered is taken back',
      find: ' AND length(p_output) >= length(t.output)',
      replace: '',
    },
  }),
  ...edits('record_text', {
    'text-lease-renewed': {
      breaks: 'a writer renews its lease, and is taken for dead at the last call of long ago',
      find: ', last_called = false',
      replace: '',
    },
  }),
  ...edits('close_text', {
    'text-lease': {
      breaks: 'a text is cut off although its writer holds the lease',
      find: "IF writing.lease_until BETWEEN asked AND asked + writing.lease_ms * interval '1 millisecond' THEN",
      replace: 'IF false THEN',
    },
    'text-lease-clock': {
      breaks: 'a lease of a clock that was set back keeps a text open for as long',
      find: "writing.lease_until BETWEEN asked AND asked + writing.lease_ms * interval '1 millisecond'",
      replace: 'writing.lease_until >= asked',
    },
    'text-last-call': {
      breaks: 'a text is cut off although its writer was kept from its lease only by the database',
      find: 'IF NOT writing.last_called THEN',
      replace: 'IF false THEN',
    },
    'text-unleased': {
      breaks: 'a text whose writer died before the call is ended as if it had been made',
      find: 'IF writing.lease_until IS NULL THEN',
      replace: 'IF false THEN',
    },
  }),
  ...edits('settle_generation', {
    'text-expired-lease': {
      breaks: 'a text that is still written at the end of its time is given away',
      find: "IF closing = 'writing' THEN",
      replace: 'IF false THEN',
    },
    'text-part': {
      breaks: 'a caller decides what a text is charged',
      find: " OR g.kind <> 'video') THEN",
      replace: ') THEN',
    },
    'text-expired': {
      breaks: 'a text whose writer is gone is given away at the end of its time',
      find: "IF p_reason = 'expired' AND g.kind <> 'video' THEN",
      replace: 'IF false THEN',
    },
  }),
  ...edits('is_finished', {
    'text-slot': {
      breaks: 'a text that was released counts against the cap for a day',
      find: "g.kind <> 'video' OR ",
      replace: '',
    },
  }),
  ...edits('quote_video', {
    'remix-foreign': {
      breaks: "another account's video is remixed",
      find: ' AND gen.account_id = p_account_id',
      replace: '',
    },
    'remix-uncharged': {
      breaks: 'a video whose hold was released is remixed',
      find: "AND gen.state = 'charged'",
      replace: '',
    },
    'remix-deleted': { breaks: 'a deleted video is remixed', find: ' AND gen.deleted_at IS NULL', replace: '' },
  }),
  ...statements({
    'text-guard': {
      breaks: 'a text that has ended is changed',
      sql: 'DROP TRIGGER texts_guard ON texts',
    },
  }),
];
