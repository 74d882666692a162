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
    'outage-by-name': {
      breaks: 'what is sold by the name of a provider that is down is admitted',
      find: "p_provider IN (p.provider, split_part(p.provider, '@', 1))",
      replace: 'p_provider = p.provider',
    },
    'outage-by-identity': {
      breaks: 'a video is claimed from a provider that is down',
      find: "p_provider IN (p.provider, split_part(p.provider, '@', 1))",
      replace: "p_provider = split_part(p.provider, '@', 1)",
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
  ...edits('provider_is_full', {
    'places-lock': {
      breaks: 'two callers at the same moment both take the last place',
      find: 'PERFORM pg_advisory_xact_lock(hashtextextended(name, 3));',
      replace: '',
    },
    'places-requested': {
      breaks: 'requests that wait for their hold take no place',
      find: "WHERE g.state = 'requested' AND g.admit_by > clock_timestamp()",
      replace: 'WHERE false',
    },
    'places-late': {
      breaks: 'a request that can not be held any more keeps its place',
      find: "WHERE g.state = 'requested' AND g.admit_by > clock_timestamp()",
      replace: "WHERE g.state = 'requested'",
    },
    'places-unpaid': {
      breaks: 'an account with credits for one video takes every place with requests that it can not pay',
      find: 'a.available_microcredits < p_amount_microcredits + (',
      replace: 'false AND a.available_microcredits < p_amount_microcredits + (',
    },
    'places-unpaid-late': {
      breaks: 'a request that can not be held any more keeps its account from a place',
      find: ' AND g.admit_by > clock_timestamp()))',
      replace: '))',
    },
    'places-running': {
      breaks: 'videos in progress take no place',
      find: 'WHERE g.counts_as_active',
      replace: 'WHERE false',
    },
    'places-forgotten': {
      breaks: 'videos that a restarted server has forgotten keep it full for a day',
      find: " AND g.last_look_at > clock_timestamp() - interval '10 minutes'",
      replace: '',
    },
    'places-followed': {
      breaks: 'videos that go on after their refund take no place',
      find: " OR g.provider_verdict = 'open' AND g.last_look_at > clock_timestamp() - interval '10 minutes'",
      replace: '',
    },
    'places-held': {
      breaks: 'what is held and was not seen for a while takes no place',
      find: "g.state = 'held' OR ",
      replace: '',
    },
    'places-claims': {
      breaks: 'a claim, which makes no video, takes a place',
      find: ' AND g.claim_of IS NULL',
      replace: '',
    },
    'places-texts': { breaks: 'a text takes the place of a video', find: "g.kind = 'video' AND ", replace: '' },
    'places-of-another': {
      breaks: "one provider's videos take the places of another",
      find: ` AND COALESCE(split_part(g.provider, '@', 1), g.provider_name, p_providers[1]) = name`,
      replace: '',
    },
    'places-moved': {
      breaks: 'what was begun at a provider counts at another one, which is the default by now',
      find: `split_part(g.provider, '@', 1), `,
      replace: '',
    },
  }),
  ...edits('admit_priced', {
    'places-admitted': {
      breaks: 'a provider gets more videos at once than it may have',
      find: "WHEN provider_is_full(p_provider_name, p_providers, p_videos_at_once, p_account_id, amount) THEN 'provider_full'",
      replace: '',
    },
    'places-written': {
      breaks: 'what is refused for lack of places is written',
      find: ", 'provider_full') THEN",
      replace: ') THEN',
    },
  }),
];
