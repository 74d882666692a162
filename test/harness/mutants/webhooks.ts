import { edits, statements } from './mutant.ts';

/** Webhooks to tenants: no settlement waits for one or fails by one, none is lost, and nobody sees another's. */
export const webhooks = [
  ...edits('note_webhooks', {
    'webhooks-fail-settlement': {
      breaks: 'a message that can not be noted keeps the credits in the air',
      find: 'WHEN OTHERS THEN',
      replace: 'WHEN division_by_zero THEN',
    },
    'webhooks-of-all': {
      breaks: 'an endpoint is told what it did not ask for',
      find: ' AND told = ANY (e.events)',
      replace: '',
    },
    'webhooks-operator-untold': {
      breaks: 'the operator hears of no account',
      find: "e.owner IN (NEW.account_id, 'operator')",
      replace: 'e.owner = NEW.account_id',
    },
    'webhooks-tenants-told-of-all': {
      breaks: 'a tenant hears of every account',
      find: "WHERE e.owner IN (NEW.account_id, 'operator') AND",
      replace: 'WHERE',
    },
  }),
  ...edits('create_webhook_endpoint', {
    'webhooks-limit-race': {
      breaks: 'many endpoints made at once pass the limit',
      find: "PERFORM pg_advisory_xact_lock(hashtextextended('webhook endpoints of ' || p_owner, 0));",
      replace: '',
    },
  }),
  ...edits('lock_webhook_endpoint', {
    'webhooks-of-another': {
      breaks: 'another tenant deletes an endpoint, or takes it over by a secret of its own',
      find: 'owner = p_owner AND ',
      replace: '',
    },
  }),
  ...edits('delete_webhook_endpoint', {
    'webhooks-secret-kept': {
      breaks: 'the secret of a deleted endpoint stays',
      find: 'DELETE FROM webhook_secrets WHERE owner = p_owner AND endpoint_id = p_id;',
      replace: '',
    },
  }),
  ...edits('webhook_to_send', {
    'webhooks-old-secret': {
      breaks: 'a secret that was rotated out signs for ever',
      find: 's.previous_valid_until > clock_timestamp()',
      replace: 's.previous_secret IS NOT NULL',
    },
    'webhooks-to-disabled': {
      breaks: 'a disabled endpoint is sent to',
      find: ' OR endpoint.disabled_at IS NOT NULL',
      replace: '',
    },
  }),
  ...edits('record_webhook_attempt', {
    'webhooks-disabled-early': {
      breaks: 'an endpoint is disabled before its delivery is given up',
      find: "record_webhook_attempt.state = 'failed' AND ",
      replace: '',
    },
  }),
  ...edits('redeliver_webhook', {
    'webhooks-flood': {
      breaks: 'ten thousand requests to send again are as many signals',
      find: " AND (d.state <> 'pending' OR d.next_attempt_at > clock_timestamp())",
      replace: '',
    },
  }),
  ...statements({
    'webhooks-operators-row': {
      breaks: "the settlements of all accounts meet at the row of the operator's endpoint",
      sql: 'ALTER TABLE webhook_deliveries ADD FOREIGN KEY (owner, endpoint_id) REFERENCES webhook_endpoints (owner, id)',
    },
    'webhooks-of-another-account': {
      breaks: "an account's endpoint can be told of another account",
      sql: 'ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_own_events',
    },
    'webhooks-untold': {
      breaks: 'a settlement is told to nobody',
      sql: 'DROP TRIGGER generations_note_webhooks ON generations',
    },
    'webhooks-secrets-read': {
      breaks: "the service's role reads every secret",
      sql: 'GRANT SELECT ON webhook_secrets TO holdfast_service',
    },
  }),
];
