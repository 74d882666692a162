import { edits, statements } from './mutant.ts';

/** A constraint of the table, dropped. */
const unconstrained = (list: Record<string, { breaks: string; of: `${string}.${string}` }>) =>
  statements(
    Object.fromEntries(
      Object.entries(list).map(([name, { breaks, of }]) => {
        const [table, constraint] = of.split('.');
        return [name, { breaks, sql: `ALTER TABLE ${table} DROP CONSTRAINT ${constraint} CASCADE` }];
      }),
    ),
  );

/** What the tables, their triggers and the rights refuse, whoever asks. */
export const schema = [
  ...unconstrained({
    'check-available': { breaks: 'a balance below 0', of: 'accounts.accounts_available_range' },
    'check-held': { breaks: 'less than nothing held', of: 'accounts.accounts_held_range' },
    'check-active': {
      breaks: 'fewer than no active generations',
      of: 'accounts.accounts_active_generations_not_negative',
    },
    'check-three-states': { breaks: 'charged without an amount', of: 'generations.generations_three_states' },
    'check-state-matches': { breaks: 'a state that says another', of: 'generations.generations_state_matches' },
    'check-settlement-reason': {
      breaks: 'a settlement for a reason that nobody knows',
      of: 'generations.generations_settlement_reason_known',
    },
    'check-state': { breaks: 'a state that nobody knows', of: 'generations.generations_state_known' },
    'check-more-than-held': { breaks: 'more charged than held', of: 'generations.generations_never_more_than_held' },
    'check-amount': { breaks: 'a price of 0 or less', of: 'generations.generations_amount_microcredits_range' },
    'check-verdict': { breaks: 'a verdict that nobody knows', of: 'generations.generations_provider_verdict_known' },
    'check-video-verdict': { breaks: 'a verdict on no video', of: 'generations.generations_video_fields' },
    'check-video-provider': {
      breaks: 'ids without a provider, which are unique nowhere',
      of: 'generations.generations_video_has_provider',
    },
    'key-of-the-account': {
      breaks: "a request by another tenant's key",
      of: 'generations.generations_api_key_id_account_id_fkey',
    },
    'unique-hold': { breaks: 'two holds for one generation', of: 'holds.holds_generation_id_key' },
    'check-hold-amount': { breaks: 'a hold of 0 or less', of: 'holds.holds_amount_microcredits_range' },
    'check-hold-time': { breaks: 'a hold that ends before it begins', of: 'holds.holds_expire_later' },
    'check-hold-settled': { breaks: 'an active hold that was settled', of: 'holds.holds_settled' },
    'check-hold-state': { breaks: 'a state that nobody knows', of: 'holds.holds_state_known' },
    'unique-movement': { breaks: 'one movement posted twice', of: 'journal_transactions.journal_transactions_key' },
    'check-sum': { breaks: 'credits from nowhere', of: 'journal_transactions.journal_transactions_sum_to_zero' },
    'check-kind': {
      breaks: 'a hold that takes revenue',
      of: 'journal_transactions.journal_transactions_kind_moves_its_books',
    },
    'check-movement-range': {
      breaks: 'a movement beyond 2^53 − 1',
      of: 'journal_transactions.journal_transactions_range',
    },
    'unique-operation': { breaks: 'one key for two operations', of: 'account_operations.account_operations_pkey' },
    'unique-operation-movement': {
      breaks: 'one movement for two keys',
      of: 'account_operations.account_operations_transaction_id_key',
    },
    'check-operation': { breaks: "'granted' without a movement", of: 'account_operations.account_operations_movement' },
    'check-operation-kind': { breaks: 'a freeze with an amount', of: 'account_operations.account_operations_amount' },
    'unique-refund': { breaks: 'one key for two refunds', of: 'refunds.refunds_pkey' },
    'unique-refund-movement': { breaks: 'one movement for two refunds', of: 'refunds.refunds_transaction_id_key' },
    'unique-refund-order': {
      breaks: 'two refunds that do not know of each other',
      of: 'refunds.refunds_one_after_another',
    },
    'check-refund': { breaks: 'more refunded than captured', of: 'refunds.refunds_never_more_than_captured' },
    'check-refund-amount': { breaks: 'a refund of 0 or less', of: 'refunds.refunds_amount_microcredits_positive' },
    'check-refund-before': {
      breaks: 'less than nothing refunded before: more refunded than captured',
      of: 'refunds.refunds_refunded_before_microcredits_not_negative',
    },
    'unique-price': { breaks: 'two prices at one moment', of: 'prices.prices_model_size_effective_from_key' },
    'unique-price-key': { breaks: 'one key for two prices', of: 'prices.prices_key' },
    'check-price-cost': {
      breaks: 'a price of 0 or less',
      of: 'prices.prices_provider_cost_microcredits_per_second_range',
    },
    'check-price-margin': { breaks: 'a margin below 0', of: 'prices.prices_margin_basis_points_range' },
    'check-price': { breaks: 'a price beyond 2^53 − 1', of: 'prices.prices_exact' },
    'unique-attempt': { breaks: 'two attempts of one number', of: 'provider_attempts.provider_attempts_pkey' },
    'check-attempt': {
      breaks: 'an attempt that ended without an outcome',
      of: 'provider_attempts.provider_attempts_ended',
    },
    'check-attempt-outcome': {
      breaks: 'an outcome that nobody knows, which proves nothing and blocks nothing',
      of: 'provider_attempts.provider_attempts_outcome_known',
    },
    'unique-request': { breaks: 'one key for two requests', of: 'idempotency_keys.idempotency_keys_pkey' },
    'check-answer': {
      breaks: 'a key that was used and leads nowhere',
      of: 'idempotency_keys.idempotency_keys_leads_somewhere',
    },
  }),
  ...statements({
    'unique-video': { breaks: 'one video for two generations', sql: 'DROP INDEX generations_provider_video' },
    'unique-video-renamed': {
      breaks: 'one video for two generations, asked under two names of its server',
      sql: 'DROP INDEX generations_provider_video; CREATE UNIQUE INDEX generations_provider_video ON generations (provider_canonical_id, provider)',
    },
    'unique-open-attempt': {
      breaks: 'two creates at once for one generation',
      sql: 'DROP INDEX provider_attempts_one_open',
    },
    ...Object.fromEntries(
      ['account_operations', 'generation_events', 'journal_transactions', 'kept_operations', 'prices', 'refunds'].map(
        (table) => [
          `append-only-${table}`,
          { breaks: `${table}: history can be changed`, sql: `DROP TRIGGER ${table}_append_only ON ${table}` },
        ],
      ),
    ),
    ...Object.fromEntries(
      ['provider_attempts', 'generations', 'holds'].map((table) => [
        `kept-${table}`,
        { breaks: `${table}: rows can be deleted`, sql: `DROP TRIGGER ${table}_kept ON ${table}` },
      ]),
    ),
    'guard-generation': {
      breaks: 'a settled generation can be settled otherwise',
      sql: 'DROP TRIGGER generations_guard ON generations',
    },
    'guard-hold': { breaks: 'a settled hold can become active', sql: 'DROP TRIGGER holds_guard ON holds' },
    'guard-attempt': {
      breaks: 'an attempt can end twice',
      sql: 'DROP TRIGGER provider_attempts_guard ON provider_attempts',
    },
    'guard-api-key': { breaks: 'a revoked key comes back', sql: 'DROP TRIGGER api_keys_guard ON api_keys' },
  }),
  ...edits('guard_api_key', {
    'guard-key-end': {
      breaks: 'a key that has expired comes back',
      find: 'OLD.expires_at IS NOT NULL AND (',
      replace: 'false AND (',
    },
  }),
  ...edits('guard_generation', {
    'guard-amount': {
      breaks: 'the price of an admitted generation can be changed',
      find: "RAISE EXCEPTION 'a generation keeps what it was admitted with' USING ERRCODE = 'HF004';",
      replace: 'NULL;',
    },
    'guard-states': {
      breaks: 'a generation skips a state, or comes back from void',
      find: 'NEW.state <> OLD.state AND NOT',
      replace: 'false AND NOT',
    },
    'guard-video': {
      breaks: 'a generation gets another video',
      find: '(NEW.provider, NEW.provider_video_id, NEW.provider_canonical_id)\n     IS DISTINCT FROM (OLD.provider, OLD.provider_video_id, OLD.provider_canonical_id)',
      replace: 'false',
    },
    'guard-video-provider': {
      breaks: 'a video moves to another provider',
      find: '(NEW.provider, NEW.provider_video_id, NEW.provider_canonical_id)\n     IS DISTINCT FROM (OLD.provider, ',
      replace: '(NEW.provider_video_id, NEW.provider_canonical_id)\n     IS DISTINCT FROM (',
    },
    'guard-video-canonical': {
      breaks: 'a video is spelled anew, and another generation owns it too',
      find: 'NEW.provider_canonical_id)\n     IS DISTINCT FROM (OLD.provider, OLD.provider_video_id, OLD.provider_canonical_id)',
      replace: 'NULL)\n     IS DISTINCT FROM (OLD.provider, OLD.provider_video_id, NULL)',
    },
    'guard-settlement': {
      breaks: 'the columns of a settlement can be changed',
      find: "OLD.state IN ('charged', 'released', 'refused', 'voided') AND (",
      replace: 'false AND (',
    },
  }),
  ...edits('guard_hold', {
    'guard-hold-settled': { breaks: 'a hold is settled twice', find: "OLD.state <> 'active' OR ", replace: '' },
    'guard-hold-terms': {
      breaks: 'the amount and the end of a hold can be changed',
      find: `OR (OLD.id, OLD.generation_id, OLD.account_id, OLD.amount_microcredits, OLD.placed_at, OLD.expires_at)
     IS DISTINCT FROM (NEW.id, NEW.generation_id, NEW.account_id, NEW.amount_microcredits, NEW.placed_at, NEW.expires_at)`,
      replace: '',
    },
  }),
  ...statements({
    'right-accounts': {
      breaks: 'the service writes balances',
      sql: 'GRANT UPDATE ON accounts TO holdfast_service',
    },
    'right-holds': {
      breaks: 'the service settles holds by hand',
      sql: 'GRANT UPDATE (state, settled_at) ON holds TO holdfast_service',
    },
    'right-journal': {
      breaks: 'the service writes the journal',
      sql: 'GRANT INSERT ON journal_transactions TO holdfast_service',
    },
    'right-refunds': { breaks: 'the service writes refunds', sql: 'GRANT INSERT ON refunds TO holdfast_service' },
    'right-post': {
      breaks: 'the service posts what moves no balance',
      sql: 'GRANT EXECUTE ON FUNCTION post_transaction TO holdfast_service',
    },
    'right-free-slot': {
      breaks: 'everybody calls an internal function',
      sql: 'GRANT EXECUTE ON FUNCTION free_slot TO PUBLIC',
    },
    'right-everything': {
      breaks: 'the service may write to every table',
      sql: 'GRANT pg_write_all_data TO holdfast_service',
      serverWide: true,
    },
    'right-triggers-off': {
      breaks: 'the service turns the triggers off',
      sql: 'GRANT SET ON PARAMETER session_replication_role TO holdfast_service',
      serverWide: true,
    },
    'right-create': {
      breaks: 'the service makes functions that ours call',
      sql: 'GRANT CREATE ON SCHEMA holdfast TO holdfast_service',
    },
    'search-path': {
      breaks: 'a temporary table takes the place of ours',
      sql: 'ALTER FUNCTION settle_generation RESET search_path',
    },
  }),
];
