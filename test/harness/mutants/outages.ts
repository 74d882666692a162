import { edits } from './mutant.ts';

/** What is refused while a provider does not answer our probes. */
export const outages = [
  ...edits('admit_priced', {
    'outage-admitted': {
      breaks: 'credits are held for an hour at a provider that is down',
      find: "WHEN provider_is_down(p_provider_name) THEN 'provider_down'",
      replace: '',
    },
    'outage-written': {
      breaks: 'what is refused while the provider is down is written',
      find: "IF refusal IN ('sales_closed', 'provider_down', ",
      replace: "IF refusal IN ('sales_closed', ",
    },
    'outage-of-another': {
      breaks: 'one provider that is down closes the sales of all others',
      find: 'provider_is_down(p_provider_name)',
      replace: 'provider_is_down(NULL)',
    },
  }),
  ...edits('claim_generation', {
    'outage-claimed': {
      breaks: 'a video is claimed whose content can not be copied',
      find: 'IF provider_is_down(original.provider) THEN',
      replace: 'IF false THEN',
    },
  }),
  ...edits('provider_is_down', {
    'outage-by-one': {
      breaks: 'a process whose own network is broken closes sales for all',
      find: 'bool_and(p.failures > 0) AND ',
      replace: '',
    },
    'outage-at-once': {
      breaks: 'sales close after fewer failures than three',
      find: 'p.failures >= 3',
      replace: 'p.failures >= 1',
    },
    'outage-too-soon': {
      breaks: 'three failures within a moment close sales',
      find: " AND p.last_at - p.failing_since >= interval '10 seconds'",
      replace: '',
    },
    'outage-for-ever': {
      breaks: 'sales stay closed by what a process saw that has ended',
      find: "p.last_at > clock_timestamp() - interval '1 minute'",
      replace: 'true',
    },
    'outage-default': {
      breaks: 'what names no provider is refused while any other one is down',
      find: 'WHEN p_provider IS NULL THEN p.is_default',
      replace: 'WHEN p_provider IS NULL THEN true',
    },
  }),
  ...edits('record_provider_probe', {
    'outage-back': {
      breaks: 'a provider that answers again stays closed',
      find: 'CASE WHEN p_why IS NULL THEN 0 ELSE least(p.failures, 1000000) + 1 END',
      replace: 'least(p.failures, 1000000) + 1',
    },
    'outage-clock': {
      breaks: 'after the clock was set back, an outage is not seen for as long',
      find: 'least(p.failing_since, probed)',
      replace: 'COALESCE(p.failing_since, probed)',
    },
    'outage-kept': {
      breaks: 'the records of processes that have ended are kept for ever',
      find: "p.last_at < probed - interval '1 hour'",
      replace: 'false',
    },
  }),
];
