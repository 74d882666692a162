-- What comes after a hold that its workflow did not settle, or that was released before the provider's last word: the
-- reconciler's part, late completions and their claims, and the safety net for when Temporal is gone for good.

ALTER TABLE generations
  -- Completed after its refund: until then its owner may have it after all, for its old price.
  ADD COLUMN claimable_until timestamptz,
  -- From here on it is not claimable any more; only then is it deleted at the provider.
  ADD COLUMN deletion_begun_at timestamptz,
  ADD COLUMN provider_deleted_at timestamptz,
  ADD CONSTRAINT generations_claimable_when_late CHECK (claimable_until IS NULL OR state = 'refunded' AND provider_verdict = 'completed'),
  ADD CONSTRAINT generations_claims_make_nothing CHECK (claim_of IS NULL OR provider_video_id IS NULL);
-- A video is paid for once.
CREATE UNIQUE INDEX generations_claimed_once ON generations (claim_of) WHERE state IN ('requested', 'held', 'charged');
CREATE INDEX generations_requested ON generations (admit_by) WHERE state = 'requested';
CREATE INDEX generations_followed ON generations (id) WHERE counts_as_active AND state = 'refunded';
CREATE INDEX generations_late ON generations (claimable_until) WHERE claimable_until IS NOT NULL AND provider_deleted_at IS NULL;

CREATE OR REPLACE FUNCTION guard_generation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (OLD.id, OLD.account_id, OLD.price_id, OLD.amount_microcredits, OLD.model, OLD.seconds, OLD.size, OLD.claim_of)
     IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.price_id, NEW.amount_microcredits, NEW.model, NEW.seconds, NEW.size, NEW.claim_of) THEN
    RAISE EXCEPTION 'a generation keeps what it was admitted with' USING ERRCODE = 'HF004';
  END IF;
  IF NEW.state <> OLD.state AND NOT (
     OLD.state = 'requested' AND NEW.state IN ('held', 'refused', 'voided') OR OLD.state = 'held' AND NEW.state IN ('charged', 'refunded')) THEN
    RAISE EXCEPTION 'a generation does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'HF004';
  END IF;
  IF OLD.provider_video_id IS NOT NULL AND NEW.provider_video_id IS DISTINCT FROM OLD.provider_video_id THEN
    RAISE EXCEPTION 'a generation keeps its provider video' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.deletion_begun_at IS NOT NULL AND NEW.deletion_begun_at IS NULL THEN
    RAISE EXCEPTION 'a deletion that has begun is not taken back' USING ERRCODE = 'HF004';
  END IF;
  IF OLD.state IN ('charged', 'refunded', 'refused', 'voided') AND (
     (OLD.state, OLD.credits_charged, OLD.charged_amount_microcredits, OLD.charged_at, OLD.settlement_reason, OLD.error_code, OLD.error_message)
     IS DISTINCT FROM
     (NEW.state, NEW.credits_charged, NEW.charged_amount_microcredits, NEW.charged_at, NEW.settlement_reason, NEW.error_code, NEW.error_message)) THEN
    RAISE EXCEPTION 'a generation is settled once' USING ERRCODE = 'HF004';
  END IF;
  RETURN NEW;
END $$;

-- Whether the video that a claim is about is complete, and its content is in our storage: what it is charged for.
CREATE FUNCTION claim_is_ready(g generations) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM generations original WHERE original.id = g.claim_of AND original.provider_verdict = 'completed')
    AND EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video' AND c.state = 'archived');
END $$;

-- Records what a retrieve saw; of a claim, on the generation that made the video. The first terminal verdict stands. A
-- completion after the refund moves nothing: it is claimable for a day. Answers with the verdict on record.
CREATE OR REPLACE FUNCTION record_look(
  p_generation_id text, p_provider_video_id text, p_verdict text, p_status text, p_progress integer,
  p_completed_at timestamptz, p_error_code text, p_error_message text
) RETURNS TABLE (verdict text, error_code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  late timestamptz;
BEGIN
  IF g.claim_of IS NOT NULL THEN
    RETURN QUERY SELECT l.verdict, l.error_code FROM record_look(g.claim_of, p_provider_video_id, p_verdict, p_status, p_progress,
      p_completed_at, p_error_code, p_error_message) l;
    RETURN;
  END IF;
  IF g.provider_video_id IS DISTINCT FROM p_provider_video_id THEN
    RAISE EXCEPTION 'generation % owns another video', p_generation_id USING ERRCODE = 'HF002';
  END IF;
  IF p_verdict IS NULL THEN
    RAISE EXCEPTION 'a look has a verdict' USING ERRCODE = '22004';
  END IF;
  -- Also after a refund: a late end is known then, and frees the account's slot.
  IF g.provider_verdict = 'open' THEN
    late := CASE WHEN g.state = 'refunded' AND p_verdict = 'completed' THEN clock_timestamp() + interval '24 hours' END;
    UPDATE generations gen SET provider_verdict = p_verdict, provider_status = p_status,
        -- Progress never goes back for the one who watches it.
        provider_progress = greatest(gen.provider_progress, p_progress),
        provider_completed_at = p_completed_at, provider_error_code = p_error_code, provider_error_message = p_error_message,
        last_look_at = clock_timestamp(), claimable_until = late
      WHERE gen.id = p_generation_id;
    IF (g.provider_verdict, g.provider_status, g.provider_progress)
       IS DISTINCT FROM (p_verdict, p_status, greatest(g.provider_progress, p_progress)) THEN
      PERFORM append_event(p_generation_id, 'seen', jsonb_build_object('verdict', p_verdict, 'status', p_status, 'progress', p_progress, 'code', p_error_code));
    END IF;
    IF late IS NOT NULL THEN
      PERFORM append_event(p_generation_id, 'late_completion', jsonb_build_object('claimable_until', late));
    END IF;
    PERFORM free_slot(p_generation_id);
  END IF;
  RETURN QUERY SELECT gen.provider_verdict, gen.provider_error_code FROM generations gen WHERE gen.id = p_generation_id;
END $$;

-- As before, but a claim never creates: its video is there.
CREATE OR REPLACE FUNCTION begin_create(p_generation_id text, p_base_url text, p_credential text, p_least_ms bigint)
RETURNS TABLE (
  outcome text, number integer, provider_video_id text, error_code text,
  model text, seconds integer, size text, prompt text, reference bytea, reference_type text, reference_filename text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  last create_attempts;
  answer text;
BEGIN
  IF g.claim_of IS NOT NULL THEN
    RAISE EXCEPTION 'generation % is a claim and creates nothing', p_generation_id USING ERRCODE = 'HF002';
  END IF;
  SELECT * INTO last FROM create_attempts a WHERE a.generation_id = p_generation_id ORDER BY a.number DESC LIMIT 1;
  answer := CASE
    WHEN g.provider_video_id IS NOT NULL THEN 'known'
    WHEN g.state <> 'held' THEN 'settled'
    WHEN last.outcome = 'refused' THEN 'refused'
    WHEN last.number IS NOT NULL AND last.outcome IS NULL THEN 'open'
    WHEN g.cancel_requested_at IS NOT NULL AND nothing_made(p_generation_id) THEN 'cancelled'
    WHEN creates_spent(p_generation_id) THEN 'spent'
    -- A call that waited in a queue would make a video that is refunded before it is finished.
    WHEN NOT EXISTS (SELECT FROM holds h WHERE h.generation_id = p_generation_id AND h.expires_at > clock_timestamp() + p_least_ms * interval '1 millisecond') THEN 'too_late'
    ELSE 'begun' END;
  IF answer = 'begun' THEN
    INSERT INTO create_attempts (generation_id, number, visible_sha256)
      VALUES (p_generation_id, COALESCE(last.number, 0) + 1, lock_visible_fields(p_generation_id)) RETURNING * INTO last;
    UPDATE generations gen SET provider_base_url = p_base_url, provider_credential = p_credential WHERE gen.id = p_generation_id;
    PERFORM append_event(p_generation_id, 'create_begun', jsonb_build_object('attempt', last.number));
  END IF;
  RETURN QUERY SELECT answer, last.number, g.provider_video_id, last.error_code, g.model, g.seconds, g.size,
      i.prompt, i.reference, i.reference_type, i.reference_filename
    FROM (SELECT) AS one LEFT JOIN inputs i ON i.generation_id = p_generation_id AND answer = 'begun';
END $$;

-- As before, but also after a release: the video of a lost reply is then followed, and claimable when it completes.
CREATE OR REPLACE FUNCTION adopt_video(p_generation_id text, p_number integer, p_provider_video_id text, p_provider_created_at timestamptz)
RETURNS TABLE (outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  g generations := lock_generation(p_generation_id);
  visible bytea := lock_visible_fields(p_generation_id);
BEGIN
  IF g.state NOT IN ('held', 'refunded') OR g.provider_video_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM create_attempts a WHERE a.generation_id = p_generation_id AND a.number = p_number AND a.outcome IS NULL) THEN
    RETURN QUERY SELECT 'closed'; RETURN;
  END IF;
  -- An attempt of a generation that was released by its hour stays open: its video may still turn up, for a day.
  IF EXISTS (SELECT FROM create_attempts a
             WHERE a.visible_sha256 = visible AND a.outcome IS NULL AND a.generation_id <> p_generation_id
             AND a.begun_at > clock_timestamp() - interval '24 hours') THEN
    RETURN QUERY SELECT 'rival'; RETURN;
  END IF;
  IF EXISTS (SELECT FROM generations gen WHERE gen.provider_video_id = p_provider_video_id) THEN
    RETURN QUERY SELECT 'taken'; RETURN;
  END IF;
  PERFORM end_create(p_generation_id, p_number, 'adopted', p_provider_video_id, p_provider_created_at, NULL, NULL);
  RETURN QUERY SELECT 'adopted';
END $$;

-- A released generation that still counts against its account's cap is followed for a day. Then it stops to count,
-- whatever became of its video.
CREATE FUNCTION stop_following(p_generation_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.state <> 'refunded' OR NOT g.counts_as_active OR g.charged_at > clock_timestamp() - interval '24 hours' THEN
    RETURN false;
  END IF;
  UPDATE generations SET counts_as_active = false WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, 'follow_ended', '{}');
  UPDATE accounts SET active_generations = active_generations - 1 WHERE id = g.account_id;
  RETURN true;
END $$;

-- Voids requests whose time to be held is over: nobody will ask for their hold. Answers with how many.
CREATE FUNCTION void_late_requests(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  late text;
  voided integer := 0;
BEGIN
  FOR late IN SELECT id FROM generations WHERE state = 'requested' AND admit_by < clock_timestamp()
      ORDER BY admit_by LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    IF (SELECT v.state = 'voided' FROM void_generation_if_late(late) v) THEN voided := voided + 1; END IF;
  END LOOP;
  RETURN voided;
END $$;

-- Admits a claim: a new generation at the old price for a video that completed after its refund.
-- outcome: 'admitted'; 'replay' (it is claimed already, by the generation in the answer); 'not_claimable' (not late, or too
-- late); 'account_frozen', 'insufficient_credits'; 'unknown' (no such generation of this account).
CREATE FUNCTION claim_generation(p_generation_id text, p_claim_of text, p_account_id text, p_api_key_id text, p_admit_within_ms integer)
RETURNS TABLE (outcome text, generation_id text, amount_microcredits bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  original generations;
  claim generations;
  account accounts;
BEGIN
  -- Two claims, or a claim and the deletion, are served one after the other.
  SELECT * INTO original FROM generations gen WHERE gen.id = p_claim_of AND gen.account_id = p_account_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown', NULL::text, NULL::bigint; RETURN;
  END IF;
  SELECT * INTO claim FROM generations gen WHERE gen.claim_of = p_claim_of AND gen.state IN ('requested', 'held', 'charged');
  IF claim.state = 'requested' AND claim.admit_by < clock_timestamp() THEN
    -- Its process died before the hold: void, and this one takes its place.
    IF (SELECT v.state = 'voided' FROM void_generation_if_late(claim.id) v) THEN claim.id := NULL; END IF;
  END IF;
  IF claim.id IS NOT NULL THEN
    RETURN QUERY SELECT 'replay', claim.id, claim.amount_microcredits; RETURN;
  END IF;
  IF original.claimable_until IS NULL OR original.claimable_until < clock_timestamp() OR original.deletion_begun_at IS NOT NULL
     OR original.deleted_at IS NOT NULL THEN
    RETURN QUERY SELECT 'not_claimable', NULL::text, original.amount_microcredits; RETURN;
  END IF;
  SELECT * INTO STRICT account FROM accounts a WHERE a.id = p_account_id;
  IF account.frozen_at IS NOT NULL OR account.available_microcredits < original.amount_microcredits THEN
    RETURN QUERY SELECT CASE WHEN account.frozen_at IS NOT NULL THEN 'account_frozen' ELSE 'insufficient_credits' END, NULL::text, original.amount_microcredits;
    RETURN;
  END IF;
  INSERT INTO generations (id, account_id, api_key_id, model, seconds, size, price_id, amount_microcredits, admit_by, fingerprint, claim_of)
  VALUES (p_generation_id, p_account_id, p_api_key_id, original.model, original.seconds, original.size, original.price_id, original.amount_microcredits,
          clock_timestamp() + make_interval(secs => p_admit_within_ms / 1000.0), sha256(convert_to('claim of ' || p_claim_of, 'UTF8')), p_claim_of);
  INSERT INTO inputs (generation_id, prompt) SELECT p_generation_id, i.prompt FROM inputs i WHERE i.generation_id = p_claim_of;
  PERFORM append_event(p_generation_id, 'requested', jsonb_build_object('amount_microcredits', original.amount_microcredits, 'claim_of', p_claim_of));
  PERFORM append_event(p_claim_of, 'claimed', jsonb_build_object('by', p_generation_id));
  RETURN QUERY SELECT 'admitted', p_generation_id, original.amount_microcredits;
END $$;

-- Decides that a late video is not claimable any more, so that it may be deleted at the provider. Answers with the video;
-- with no row while it is claimable, claimed, or deleted already.
CREATE FUNCTION begin_deletion(p_generation_id text) RETURNS TABLE (provider_video_id text, provider_base_url text, provider_credential text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE g generations := lock_generation(p_generation_id);
BEGIN
  IF g.claimable_until < clock_timestamp() AND g.provider_deleted_at IS NULL AND NOT EXISTS (
      SELECT FROM generations claim WHERE claim.claim_of = p_generation_id AND claim.state IN ('requested', 'held', 'charged')) THEN
    UPDATE generations gen SET deletion_begun_at = COALESCE(gen.deletion_begun_at, clock_timestamp()) WHERE gen.id = p_generation_id;
    RETURN QUERY SELECT g.provider_video_id, g.provider_base_url, g.provider_credential;
  END IF;
END $$;

-- Records that the provider's video is gone. Answers with what it had cost us, in microcredits; 0 for a repeat.
CREATE FUNCTION end_deletion(p_generation_id text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  g generations := lock_generation(p_generation_id);
  lost bigint;
BEGIN
  IF g.deletion_begun_at IS NULL OR g.provider_deleted_at IS NOT NULL THEN
    RETURN 0;
  END IF;
  SELECT p.provider_cost_microcredits_per_second * g.seconds INTO lost FROM prices p WHERE p.id = g.price_id;
  UPDATE generations SET provider_deleted_at = clock_timestamp() WHERE id = p_generation_id;
  PERFORM append_event(p_generation_id, 'provider_video_deleted', jsonb_build_object('lost_microcredits', lost));
  RETURN lost;
END $$;

-- The net below the net, for cron and psql when Temporal is gone for good: settles by the last word on record, or releases,
-- what is held longer than its hour and this grace, at least two hours. One call at a time works; each generation says who
-- ran it. result: as settle_generation answers, or 'refused' with the SQLSTATE.
CREATE FUNCTION release_expired_holds(p_grace interval DEFAULT '2 hours', p_limit integer DEFAULT 100)
RETURNS TABLE (generation_id text, result text, settlement_reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  overdue text;
  settled record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(4017325002) THEN
    RETURN;
  END IF;
  -- What another works on is left to it: nobody waits for a generation here while he has an account's row.
  FOR overdue IN SELECT h.generation_id FROM holds h JOIN generations g ON g.id = h.generation_id
      WHERE h.state = 'active' AND h.expires_at < clock_timestamp() - greatest(p_grace, interval '2 hours')
      ORDER BY h.expires_at LIMIT p_limit FOR NO KEY UPDATE OF g SKIP LOCKED LOOP
    BEGIN
      SELECT * INTO settled FROM settle_generation(overdue, 'expired');
      IF settled.result = 'terminal' THEN
        SELECT * INTO settled FROM settle_generation(overdue, CASE WHEN settled.credits_charged THEN 'completed' ELSE 'provider_failed' END);
      END IF;
      PERFORM lock_generation(overdue);
      PERFORM append_event(overdue, 'released_by_hand', jsonb_build_object('by', session_user));
      RETURN QUERY SELECT overdue, settled.result, settled.settlement_reason;
    EXCEPTION WHEN OTHERS THEN
      -- One that can't be settled must not keep the others.
      RETURN QUERY SELECT overdue, 'refused', SQLSTATE::text;
    END;
  END LOOP;
END $$;

-- Which accounts the reconciler compares next: some at each run, all in turn.
CREATE TABLE reconciler_progress (
  task text PRIMARY KEY,
  position text NOT NULL,
  advanced_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Compares the next accounts with the journal. Answers with what differs, and with how many accounts were looked at.
CREATE FUNCTION compare_next_accounts(p_limit integer) RETURNS TABLE (accounts_compared integer, differences integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  begin_after text;
  compared text[];
BEGIN
  INSERT INTO reconciler_progress (task, position) VALUES ('compare accounts', '') ON CONFLICT DO NOTHING;
  SELECT position INTO begin_after FROM reconciler_progress WHERE task = 'compare accounts' FOR UPDATE;
  compared := ARRAY(SELECT id FROM accounts WHERE id > begin_after ORDER BY id LIMIT p_limit);
  UPDATE reconciler_progress SET position = CASE WHEN cardinality(compared) < p_limit THEN '' ELSE compared[p_limit] END, advanced_at = clock_timestamp()
    WHERE task = 'compare accounts';
  RETURN QUERY SELECT cardinality(compared), (SELECT count(*)::integer FROM ledger_drift WHERE account_id = ANY(compared));
END $$;

GRANT SELECT ON reconciler_progress TO holdfast_service;
GRANT EXECUTE ON FUNCTION stop_following, void_late_requests, claim_generation, begin_deletion, end_deletion, release_expired_holds,
  compare_next_accounts TO holdfast_service;
