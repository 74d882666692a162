-- One row a movement. What a journal transaction moved in each book stands in the transaction's own row, so entries that
-- do not sum to zero can't be written at all: a CHECK says so, and there is no second table to add to or to take from.
-- `journal_entries` shows the same as entries. Beside it stands what the account had afterwards: a statement between two
-- dates begins and ends with what was kept, and must come to the same by its entries.

-- In the lock order of the movements: a service that still runs waits, and neither side meets a deadlock.
LOCK TABLE generations, holds, accounts, journal_transactions IN ACCESS EXCLUSIVE MODE;

ALTER TABLE journal_transactions
  ADD COLUMN available_microcredits bigint NOT NULL DEFAULT 0,
  ADD COLUMN held_microcredits bigint NOT NULL DEFAULT 0,
  ADD COLUMN issued_microcredits bigint NOT NULL DEFAULT 0,
  ADD COLUMN revenue_microcredits bigint NOT NULL DEFAULT 0,
  ADD COLUMN available_after_microcredits bigint,
  ADD COLUMN held_after_microcredits bigint;

ALTER TABLE journal_transactions DISABLE TRIGGER journal_transactions_append_only;
UPDATE journal_transactions t SET
  available_microcredits = s.available, held_microcredits = s.held, issued_microcredits = s.issued, revenue_microcredits = s.revenue,
  available_after_microcredits = s.available_after, held_after_microcredits = s.held_after
FROM (
  SELECT j.id, e.*,
    sum(e.available) OVER of_account AS available_after,
    sum(e.held) OVER of_account AS held_after
  FROM journal_transactions j CROSS JOIN LATERAL (
    SELECT COALESCE(sum(amount_microcredits) FILTER (WHERE book = 'available'), 0)::bigint AS available,
      COALESCE(sum(amount_microcredits) FILTER (WHERE book = 'held'), 0)::bigint AS held,
      COALESCE(sum(amount_microcredits) FILTER (WHERE book = 'issued'), 0)::bigint AS issued,
      COALESCE(sum(amount_microcredits) FILTER (WHERE book = 'revenue'), 0)::bigint AS revenue
    FROM journal_entries WHERE transaction_id = j.id) e
  WINDOW of_account AS (PARTITION BY j.account_id ORDER BY j.id)
) s WHERE s.id = t.id;
ALTER TABLE journal_transactions ENABLE TRIGGER journal_transactions_append_only;

ALTER TABLE journal_transactions
  ALTER COLUMN available_after_microcredits SET NOT NULL,
  ALTER COLUMN held_after_microcredits SET NOT NULL,
  DROP CONSTRAINT journal_transactions_kind_check,
  -- Which books a kind moves, and in which direction; what is not named stays 0.
  ADD CONSTRAINT journal_transactions_kind_check CHECK (COALESCE(CASE kind
    WHEN 'grant' THEN available_microcredits > 0 AND held_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'claw_back' THEN available_microcredits < 0 AND held_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'hold' THEN available_microcredits < 0 AND issued_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'capture' THEN available_microcredits >= 0 AND issued_microcredits = 0 AND revenue_microcredits > 0
    WHEN 'release' THEN available_microcredits > 0 AND issued_microcredits = 0 AND revenue_microcredits = 0
    WHEN 'refund' THEN available_microcredits > 0 AND held_microcredits = 0 AND issued_microcredits = 0 END, false)),
  ADD CONSTRAINT journal_transactions_sum_to_zero CHECK (
    available_microcredits + held_microcredits + issued_microcredits + revenue_microcredits = 0),
  ADD CONSTRAINT journal_transactions_range CHECK (
    greatest(abs(available_microcredits), abs(held_microcredits), abs(issued_microcredits), abs(revenue_microcredits)) <= 9007199254740991
    AND available_after_microcredits BETWEEN 0 AND 9007199254740991 AND held_after_microcredits BETWEEN 0 AND 9007199254740991);

DROP VIEW ledger_drift;
DROP TABLE journal_entries;
DROP FUNCTION refuse_unbalanced_entries;

CREATE VIEW journal_entries AS
  SELECT t.id AS transaction_id, leg.account_id, leg.book, leg.amount_microcredits
  FROM journal_transactions t CROSS JOIN LATERAL (VALUES
    (t.account_id, 'available', t.available_microcredits), (t.account_id, 'held', t.held_microcredits),
    (NULL, 'issued', t.issued_microcredits), (NULL, 'revenue', t.revenue_microcredits)
  ) AS leg (account_id, book, amount_microcredits)
  WHERE leg.amount_microcredits <> 0;
CREATE TRIGGER journal_entries_append_only INSTEAD OF INSERT OR UPDATE OR DELETE ON journal_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT ON journal_entries TO holdfast_service;

-- A statement begins and ends at a moment.
CREATE INDEX journal_transactions_at ON journal_transactions (account_id, recorded_at, id);

-- Writes one journal transaction: what it moves in each book (0: nothing), and what the account has after it. The account's
-- row is locked and updated by the caller, in the same transaction. Internal: not granted to anyone.
CREATE FUNCTION post_transaction(
  p_key text, p_kind text, p_account accounts, p_generation_id text, p_requested bigint, p_reason text,
  p_available bigint, p_held bigint, p_issued bigint, p_revenue bigint
) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE posted bigint;
BEGIN
  INSERT INTO journal_transactions (key, kind, account_id, generation_id, requested_microcredits, reason,
      available_microcredits, held_microcredits, issued_microcredits, revenue_microcredits,
      available_after_microcredits, held_after_microcredits)
    VALUES (p_key, p_kind, p_account.id, p_generation_id, p_requested, p_reason, p_available, p_held, p_issued, p_revenue,
      p_account.available_microcredits, p_account.held_microcredits)
    RETURNING id INTO posted;
  RETURN posted;
END $$;
