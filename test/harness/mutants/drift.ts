import { edits } from './mutant.ts';

const differs = 'what differs is not shown: ';

/** The view that compares everything with the journal, blind to one difference each. */
export const drift = edits('ledger_drift', {
  'drift-available': {
    breaks: `${differs}what is available`,
    find: '(kept.available_microcredits)::numeric,kept.available)',
    replace: '(kept.available_microcredits)::numeric,(kept.available_microcredits)::numeric)',
  },
  'drift-held': {
    breaks: `${differs}what is held`,
    find: 'kept.held_microcredits,kept.held)',
    replace: 'kept.held_microcredits,kept.held_microcredits)',
  },
  'drift-active-holds': {
    breaks: `${differs}the sum of the active holds`,
    find: 'kept.held_microcredits,kept.active_holds)',
    replace: 'kept.held_microcredits,kept.held_microcredits)',
  },
  'drift-active-generations': {
    breaks: `${differs}how many generations are active`,
    find: 'kept.active_generations,kept.active)',
    replace: 'kept.active_generations,kept.active_generations)',
  },
  'drift-hold': {
    breaks: `${differs}a hold's state from its generation's`,
    find: 'OR (h.state IS DISTINCT FROM',
    replace: 'OR (false AND h.state IS DISTINCT FROM',
  },
  'drift-hold-journal': {
    breaks: `${differs}a hold without its journal transaction`,
    find: '(held.account_id IS DISTINCT FROM h.account_id) OR (held.held_microcredits IS DISTINCT FROM h.amount_microcredits)',
    replace: 'held.held_microcredits <> h.amount_microcredits',
  },
  'drift-charge': {
    breaks: `${differs}a charge from its revenue`,
    find: '(COALESCE(g.charged_amount_microcredits, (0)::bigint) <> COALESCE(t.revenue_microcredits, (0)::bigint)) OR ',
    replace: '',
  },
  'drift-charge-word': {
    breaks: `${differs}a charge without the provider's word`,
    find: "(g.provider_verdict IS DISTINCT FROM 'completed'::text)",
    replace: '(g.provider_verdict IS NULL)',
  },
  'drift-no-hold': {
    breaks: `${differs}a movement of no hold`,
    find: '(h.id IS NULL) OR ',
    replace: '',
  },
  'drift-refund': {
    breaks: `${differs}a refund from its journal transaction`,
    find: '(t.available_microcredits IS DISTINCT FROM r.amount_microcredits) OR ',
    replace: '',
  },
  'drift-refund-account': {
    breaks: `${differs}a refund to another account`,
    find: 't.account_id IS DISTINCT FROM g.account_id',
    replace: 'g.account_id IS NULL AND false',
  },
  'drift-refunds': {
    breaks: `${differs}more refunded than captured`,
    find: '(r.amount_microcredits > (COALESCE',
    replace: '(r.amount_microcredits < (COALESCE',
  },
  'drift-operation': {
    breaks: `${differs}a grant from its journal transaction`,
    find: '(t.available_microcredits IS DISTINCT FROM o.moved_microcredits) OR ',
    replace: '',
  },
  'drift-operation-account': {
    breaks: `${differs}a grant to another account`,
    find: 't.account_id IS DISTINCT FROM o.account_id',
    replace: 'false',
  },
  'drift-sum': {
    breaks: `${differs}a transaction out of balance`,
    find: 't.issued_microcredits) + t.revenue_microcredits) <> 0)',
    replace: 't.issued_microcredits) + t.revenue_microcredits) IS NULL)',
  },
});
