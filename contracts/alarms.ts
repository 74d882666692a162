/** Counters that alert an operator. */
export type Alarm =
  | 'settlement_conflict'
  | 'settlement_refused'
  | 'emergency_release'
  | 'hold_overdue'
  | 'provider_operator_fault'
  | 'provider_id_conflict'
  | 'generation_resumed'
  | 'ledger_difference'
  | 'reconciler_run'
  | 'reconciler_silent'
  | 'provider_cost_lost_microcredits'
  | 'made_otherwise'
  | 'content_gone'
  | 'content_unusable'
  | 'content_refunded'
  | 'content_refund_refused'
  | 'webhook_endpoint_disabled';
