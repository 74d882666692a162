import { edits, statements } from './mutant.ts';

/** A cancel that is sent to the provider (MR-9): once, for the right video, and only its proof releases. */
export const cancels = [
  ...edits('begin_cancel', {
    'cancel-again': {
      breaks: 'a second DELETE, whose 404 proves nothing',
      find: "    WHEN g.cancel_sent_at IS NOT NULL THEN 'sent'\n",
      replace: '',
    },
    'cancel-released': {
      breaks: 'a refunded video is deleted at the provider, though its owner could claim it',
      find: "g.state = 'held' AND ",
      replace: '',
    },
    'cancel-unasked': {
      breaks: 'a video is cancelled that its owner wants',
      find: 'g.cancel_requested_at IS NOT NULL AND ',
      replace: '',
    },
    'cancel-finished': {
      breaks: 'a completed video is deleted at the provider before it is charged',
      find: "g.provider_verdict = 'open'",
      replace: 'g.provider_verdict IS NOT NULL',
    },
    'cancel-contested': {
      breaks: "another generation's video is deleted",
      find: 'AND g.provider_id_contested_at IS NULL',
      replace: '',
    },
    'cancel-unseen': {
      breaks: 'a video is deleted that was completed long ago, because nobody looked',
      find: "AND g.last_look_at > clock_timestamp() - interval '1 minute'",
      replace: '',
    },
    'cancel-unrecorded': {
      breaks: 'a DELETE that is not on record: what it deleted is charged',
      find: 'UPDATE generations gen SET cancel_sent_at = clock_timestamp() WHERE gen.id = p_generation_id;',
      replace: '',
    },
  }),
  ...edits('record_cancel_ended', {
    'cancel-ended-other': {
      breaks: "a free video by the end of another's",
      find: 'g.provider_canonical_id IS DISTINCT FROM p_provider_canonical_id',
      replace: 'false',
    },
    'cancel-ended-unsent': {
      breaks: 'the end of work that nobody asked for has no answer of its own',
      find: 'g.cancel_sent_at IS NULL',
      replace: 'false',
    },
    'cancel-ended-completed': {
      breaks: 'a free video by the deletion of a completed one',
      find: "g.provider_verdict = 'open' AND ",
      replace: '',
    },
    'cancel-ended-contested': {
      breaks: "a free video by the end of what may be another's",
      find: ' AND g.provider_id_contested_at IS NULL',
      replace: '',
    },
    'cancel-ended-slot': {
      breaks: 'work that ended after the release keeps its place under the cap',
      find: 'PERFORM free_slot(p_generation_id);',
      replace: '',
    },
  }),
  ...edits('last_word', {
    'last-word-unkept': {
      breaks: 'a video is charged that the provider has deleted at our demand',
      find: "(g.cancel_sent_at IS NULL OR content_is(g.id, 'archived'))",
      replace: 'true',
    },
    'last-word-kept-gone': {
      breaks: 'a video is charged whose content is gone',
      find: "content_is(g.id, 'archived')",
      replace: "(content_is(g.id, 'archived') OR content_is(g.id, 'gone'))",
    },
    'last-word-order': {
      breaks: 'a failure after the cancel hides its reason',
      find: "g.cancel_ended_at IS NOT NULL OR g.cancel_sent_at IS NOT NULL AND content_is(g.id, 'gone')",
      replace: 'g.cancel_sent_at IS NOT NULL',
    },
    'last-word-ended': {
      breaks: 'the credits of ended work stay reserved until the hold ends',
      find: 'g.cancel_ended_at IS NOT NULL OR ',
      replace: '',
    },
    'last-word-gone': {
      breaks: 'the credits of a deleted video stay reserved until the hold ends',
      find: " OR g.cancel_sent_at IS NOT NULL AND content_is(g.id, 'gone')",
      replace: '',
    },
    'claim-times-out': {
      breaks: 'a claim whose video is in our storage times out',
      find: "CASE WHEN claim_is_ready(g) THEN 'completed' END",
      replace: 'NULL::text',
    },
  }),
  ...edits('content_is', {
    'content-of-a-thumbnail': {
      breaks: 'a video is charged for its thumbnail',
      find: " AND c.variant = 'video'",
      replace: '',
    },
  }),
  ...edits('settle_generation', {
    'proof-cancelled-ended': {
      breaks: 'ended work is never released',
      find: "\n      OR last_word(g) = 'cancelled'",
      replace: '',
    },
    'proof-nothing-unkept': {
      breaks: 'a release as "nothing delivered" of what a cancel deleted',
      find: "g.claim_of IS NULL AND last_word(g) = 'completed'",
      replace: "g.provider_verdict = 'completed'",
    },
  }),
  ...edits('record_content', {
    'gone-early-cancelled': {
      breaks: 'a link that is not there yet releases a cancelled video',
      find: "ELSE interval '1 minute'",
      replace: "ELSE interval '0'",
    },
    'gone-late-cancelled': {
      breaks: 'a deleted video keeps its credits reserved until the hold ends',
      find: "ELSE interval '1 minute'",
      replace: "ELSE interval '1 hour'",
    },
  }),
  ...edits('record_look', {
    'look-of-a-claim': {
      breaks: "a claim is cancelled by its original's cancel",
      find: "l.differs, 'none' FROM",
      replace: 'l.differs, l.cancel FROM',
    },
    'look-contested': {
      breaks: "a cancel that may not be sent is tried with every look, and the workflow's history grows",
      find: '\n        AND gen.provider_id_contested_at IS NULL',
      replace: '',
    },
    'look-sent': {
      breaks: 'what completes after its cancel is charged at once, and refused for ten minutes',
      find: "WHEN gen.cancel_sent_at IS NOT NULL THEN 'sent' ",
      replace: '',
    },
  }),
  ...edits('is_finished', {
    'finished-ended': {
      breaks: 'work that was ended counts against the cap for a day',
      find: 'g.cancel_ended_at IS NOT NULL OR ',
      replace: '',
    },
  }),
  ...edits('guard_generation', {
    'cancel-taken-back': {
      breaks: 'a cancel that was sent is forgotten, and sent again',
      find: 'COALESCE(OLD.cancel_sent_at, NEW.cancel_sent_at) IS DISTINCT FROM NEW.cancel_sent_at',
      replace: 'false',
    },
    'cancel-end-taken-back': {
      breaks: 'the proof of a release is taken back',
      find: 'COALESCE(OLD.cancel_ended_at, NEW.cancel_ended_at) IS DISTINCT FROM NEW.cancel_ended_at',
      replace: 'false',
    },
  }),
  ...statements({
    'cancel-in-order': {
      breaks: 'the end of work that nobody was asked to end',
      sql: 'ALTER TABLE generations DROP CONSTRAINT generations_cancel_in_order',
    },
  }),
];
