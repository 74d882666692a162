-- The journal: one row a movement, written by post_transaction only, and never changed.

CREATE FUNCTION post_transaction(
  p_key text, p_kind text, p_account accounts, p_generation_id text, p_requested bigint, p_reason text,
  p_available bigint, p_held bigint, p_issued bigint, p_revenue bigint
) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, holdfast, pg_temp AS $$
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
COMMENT ON FUNCTION post_transaction IS
$$Internal. Writes one journal transaction: what it moves in each book, and what the account has after it. The caller has
locked and updated the account's row in the same transaction. A CHECK refuses entries that do not sum to zero; a key that
was used before is a unique violation.
Rules: MR-44, MR-70, MR-72, MR-83.$$;

CREATE VIEW journal_entries AS
  SELECT t.id AS transaction_id, leg.account_id, leg.book, leg.amount_microcredits
  FROM journal_transactions t CROSS JOIN LATERAL (VALUES
    (t.account_id, 'available', t.available_microcredits), (t.account_id, 'held', t.held_microcredits),
    (NULL, 'issued', t.issued_microcredits), (NULL, 'revenue', t.revenue_microcredits)
  ) AS leg (account_id, book, amount_microcredits)
  WHERE leg.amount_microcredits <> 0;
COMMENT ON VIEW journal_entries IS
$$The journal as entries, one per transaction and book; the entries of a transaction sum to zero. Append-only.
Rules: MR-70.$$;
CREATE TRIGGER journal_transactions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_entries_append_only INSTEAD OF INSERT OR UPDATE OR DELETE ON journal_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT ON journal_transactions, journal_entries TO holdfast_service;
