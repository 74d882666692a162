-- What is kept, compared with what the journal says.

CREATE VIEW ledger_drift AS
  WITH kept AS (
    SELECT a.id AS account_id, a.available_microcredits, a.held_microcredits, a.active_generations,
      COALESCE(j.available, 0) AS available, COALESCE(j.held, 0) AS held,
      COALESCE((SELECT sum(amount_microcredits) FROM holds h WHERE h.account_id = a.id AND h.state = 'active'), 0) AS active_holds,
      (SELECT count(*) FROM generations g WHERE g.account_id = a.id AND g.counts_as_active) AS active
    FROM accounts a
    LEFT JOIN LATERAL (SELECT sum(t.available_microcredits) AS available, sum(t.held_microcredits) AS held
      FROM journal_transactions t WHERE t.account_id = a.id) j ON true
  )
  SELECT kept.account_id, c.what, c.kept, c.recomputed FROM kept CROSS JOIN LATERAL (VALUES
    ('available', kept.available_microcredits::numeric, kept.available),
    ('held', kept.held_microcredits, kept.held),
    ('active holds', kept.held_microcredits, kept.active_holds),
    ('active generations', kept.active_generations, kept.active)
  ) AS c (what, kept, recomputed) WHERE c.kept <> c.recomputed
  UNION ALL
  SELECT g.account_id, 'hold of ' || g.id, g.amount_microcredits, h.amount_microcredits
  FROM generations g LEFT JOIN holds h ON h.generation_id = g.id
  WHERE g.amount_microcredits <> h.amount_microcredits OR g.account_id <> h.account_id OR h.state IS DISTINCT FROM
    CASE g.state WHEN 'held' THEN 'active' WHEN 'charged' THEN 'captured' WHEN 'released' THEN 'released' END
  UNION ALL
  -- The hold's movement and its settlement's: there, once, of the right amounts, and not before its time.
  SELECT h.account_id, 'journal of ' || h.id, -h.amount_microcredits, held.available_microcredits
  FROM holds h LEFT JOIN journal_transactions held ON held.key = h.generation_id || ':hold'
  WHERE (held.account_id, held.held_microcredits) IS DISTINCT FROM (h.account_id, h.amount_microcredits)
  UNION ALL
  SELECT g.account_id, 'charge of ' || g.id, g.charged_amount_microcredits, t.revenue_microcredits
  FROM generations g LEFT JOIN journal_transactions t ON t.key = g.id || ':settle'
  WHERE COALESCE(g.charged_amount_microcredits, 0) <> COALESCE(t.revenue_microcredits, 0)
    OR (g.credits_charged IS NULL) <> (t.id IS NULL) OR t.held_microcredits <> -g.amount_microcredits OR t.account_id <> g.account_id
  UNION ALL
  SELECT t.account_id, 'refund ' || t.key, r.amount_microcredits, t.available_microcredits
  FROM journal_transactions t LEFT JOIN LATERAL (SELECT * FROM refunds r WHERE r.transaction_id = t.id LIMIT 1) r ON true
    LEFT JOIN generations g ON g.id = r.generation_id
  WHERE t.kind = 'refund' AND (t.available_microcredits, t.account_id, t.generation_id) IS DISTINCT FROM (r.amount_microcredits, g.account_id, r.generation_id)
  UNION ALL
  SELECT g.account_id, 'refunds of ' || g.id, g.charged_amount_microcredits, r.amount_microcredits
  FROM generations g CROSS JOIN LATERAL (SELECT sum(amount_microcredits) AS amount_microcredits FROM refunds r WHERE r.generation_id = g.id) r
  WHERE r.amount_microcredits > COALESCE(g.charged_amount_microcredits, 0)
  UNION ALL
  SELECT t.account_id, 'operation ' || t.key, o.moved_microcredits, t.available_microcredits
  FROM journal_transactions t LEFT JOIN account_operations o ON o.transaction_id = t.id
  WHERE t.kind IN ('grant', 'claw_back') AND (t.available_microcredits, t.account_id) IS DISTINCT FROM (o.moved_microcredits, o.account_id)
  UNION ALL
  SELECT t.account_id, 'journal without a hold ' || t.key, NULL, t.held_microcredits
  FROM journal_transactions t LEFT JOIN holds h ON h.generation_id = t.generation_id
  WHERE t.kind IN ('hold', 'capture', 'release') AND (h.id IS NULL OR t.key NOT IN (h.generation_id || ':hold', h.generation_id || ':settle'))
  UNION ALL
  SELECT g.account_id, 'charge without the provider''s word ' || g.id, g.charged_amount_microcredits, 0
  FROM generations g WHERE g.credits_charged AND g.claim_of IS NULL AND g.provider_verdict IS DISTINCT FROM 'completed'
  UNION ALL
  SELECT t.account_id, 'journal transaction ' || t.id, 0, t.available_microcredits + t.held_microcredits + t.issued_microcredits + t.revenue_microcredits
  FROM journal_transactions t
  WHERE t.available_microcredits + t.held_microcredits + t.issued_microcredits + t.revenue_microcredits <> 0;
COMMENT ON VIEW ledger_drift IS
$$Every place where what is kept differs from what the journal says; always empty. With `WHERE account_id = …` it is answered
by index; as a whole it reads everything, as an audit does.
Rules: MR-70.$$;

CREATE FUNCTION compare_next_accounts(p_limit integer) RETURNS TABLE (accounts_compared integer, differences integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, holdfast, pg_temp AS $$
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
COMMENT ON FUNCTION compare_next_accounts IS
$$Compares the next p_limit accounts with the journal. Answers with how many it compared and how many differ.
Rules: MR-70.$$;

GRANT SELECT ON reconciler_progress, ledger_drift TO holdfast_service;
GRANT EXECUTE ON FUNCTION compare_next_accounts TO holdfast_service;
