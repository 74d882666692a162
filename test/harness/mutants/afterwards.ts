import { edits, statements } from './mutant.ts';

/** What comes after a release: late completions, their claims and deletion, and the releases of the net below the net. */
export const afterwards = [
  ...edits('claim_generation', {
    'contested-claim': {
      breaks: "another tenant's video is claimed",
      find: ' OR original.provider_id_contested_at IS NOT NULL',
      replace: '',
    },
    'claim-closed': {
      breaks: 'a video is claimed while sales are closed',
      find: 'IF sales_are_closed() THEN',
      replace: 'IF false THEN',
    },
    'claim-lock': { breaks: "two claims don't wait for each other", find: ' FOR NO KEY UPDATE', replace: '' },
    'claim-of-another': {
      breaks: 'another tenant claims the video',
      find: ' AND gen.account_id = p_account_id',
      replace: '',
    },
    'claim-again': {
      breaks: 'a repeated claim is no repeat',
      find: 'IF claim.id IS NOT NULL THEN',
      replace: 'IF false THEN',
    },
    'claim-dead': {
      breaks: 'a claim that was never held stands in the way for ever',
      find: "claim.state = 'requested' AND claim.admit_by < clock_timestamp()",
      replace: 'false',
    },
    'claim-not-late': {
      breaks: 'a claim of what is not a late completion',
      find: 'original.claimable_until IS NULL OR ',
      replace: '',
    },
    'claim-too-late': {
      breaks: 'a claim of a video that may be deleted at any time',
      find: 'original.claimable_until < clock_timestamp() OR ',
      replace: '',
    },
    'claim-deleted': {
      breaks: 'a claim of a video that its owner has deleted',
      find: ' OR original.deleted_at IS NOT NULL',
      replace: ' OR false',
    },
    'claim-deletion-begun': {
      breaks: 'a claim of a video that is being deleted at the provider',
      find: ' OR original.deletion_begun_at IS NOT NULL',
      replace: ' OR false',
    },
    'claim-unpaid': {
      breaks: 'claims that cannot be paid are admitted',
      find: 'account.available_microcredits < original.amount_microcredits THEN',
      replace: 'false THEN',
    },
    'claim-frozen': {
      breaks: 'claims of a frozen account are admitted',
      find: 'account.frozen_at IS NOT NULL THEN',
      replace: 'false THEN',
    },
    'claim-dry-run': {
      breaks: 'a dry run of a claim is charged',
      find: 'IF p_dry_run THEN',
      replace: 'IF false THEN',
    },
    'claim-key': {
      breaks: 'a keyed claim is made again after its end',
      find: 'PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, p_generation_id, NULL);',
      replace: '',
    },
    'claim-key-refused': {
      breaks: 'a key whose claim was refused for lack of credits is admitted after a top-up',
      find: 'PERFORM keep_key(p_account_id, p_idempotency_key, p_fingerprint, NULL, original.amount_microcredits);',
      replace: '',
    },
    'claim-repeat': {
      breaks: 'a keyed claim is refused when its day is over',
      find: 'IF FOUND THEN',
      replace: 'IF false THEN',
    },
    'claim-price': {
      breaks: 'a claim at another price',
      find: 'original.provider_name, original.amount_microcredits, clock',
      replace: 'original.provider_name, 1, clock',
    },
  }),
  ...edits('claim_is_ready', {
    'claim-uncopied': {
      breaks: 'a claim is charged before its video is in our storage',
      find: "\n    AND content_is(g.id, 'archived')",
      replace: "\n    OR content_is(g.id, 'archived')",
    },
    'claim-gone': {
      breaks: 'a claim is charged for a video that is gone',
      find: "content_is(g.id, 'archived')",
      replace: "(content_is(g.id, 'archived') OR content_is(g.id, 'gone'))",
    },
  }),
  ...edits('begin_attempt', {
    'claim-creates': { breaks: 'a claim makes a second video', find: 'g.claim_of IS NOT NULL', replace: 'false' },
  }),
  ...edits('record_look', {
    'late-of-held': {
      breaks: 'a video in time is claimable, as if it were late',
      find: "g.state = 'released' AND p_verdict = 'completed'",
      replace: "p_verdict = 'completed'",
    },
  }),
  ...edits('begin_deletion', {
    'contested-deletion': {
      breaks: "another tenant's video is deleted at the provider",
      find: 'AND g.provider_id_contested_at IS NULL ',
      replace: '',
    },
    'deletion-early': {
      breaks: 'a video is deleted while it is claimable',
      find: 'g.claimable_until < clock_timestamp() AND ',
      replace: '',
    },
    'deletion-claimed': {
      breaks: 'a video is deleted that somebody pays for',
      find: "claim.claim_of = p_generation_id AND claim.state IN ('requested', 'held', 'charged')",
      replace: 'false',
    },
  }),
  ...edits('end_deletion', {
    'deletion-unbegun': {
      breaks: 'a video is on record as deleted that is claimable',
      find: 'g.deletion_begun_at IS NULL OR ',
      replace: '',
    },
  }),
  ...edits('stop_following', {
    'follow-a-day': {
      breaks: 'a released video stops to count at once: a way to unlimited generations',
      find: " OR g.settled_at > clock_timestamp() - interval '24 hours'",
      replace: '',
    },
    'follow-twice': { breaks: 'a place under the cap is freed twice', find: ' OR NOT g.counts_as_active', replace: '' },
    'follow-held': { breaks: 'what holds credits stops to count', find: "g.state <> 'released' OR ", replace: '' },
  }),
  ...edits('release_expired_holds', {
    'net-grace': {
      breaks: 'the net below the net overtakes the workflows',
      find: "greatest(p_grace, interval '2 hours')",
      replace: 'p_grace',
    },
    'net-last-word': {
      breaks: 'the net below the net charges nothing that is completed',
      find: "settled.result = 'terminal'",
      replace: 'false',
    },
    'net-others': {
      breaks: 'one that cannot be settled keeps all others',
      find: 'WHEN OTHERS',
      replace: 'WHEN division_by_zero',
    },
  }),
  ...edits('guard_generation', {
    'guard-deletion': {
      breaks: 'a deletion that has begun is taken back',
      find: 'OLD.deletion_begun_at IS NOT NULL AND NEW.deletion_begun_at IS NULL',
      replace: 'false',
    },
  }),
  ...statements({
    'unique-claim': { breaks: 'a video is paid for twice', sql: 'DROP INDEX generations_claimed_once' },
    'check-claim-video': {
      breaks: 'a claim with a video of its own',
      sql: 'ALTER TABLE generations DROP CONSTRAINT generations_claims_make_nothing',
    },
    'check-claimable': {
      breaks: 'claimable, and charged already',
      sql: 'ALTER TABLE generations DROP CONSTRAINT generations_claimable_when_late',
    },
  }),
];
