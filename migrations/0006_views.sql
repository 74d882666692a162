-- What an operator asks at 3 a.m., in psql.

CREATE VIEW active_generations AS
  SELECT g.id, g.account_id, a.name AS account_name, g.model, g.seconds, g.size, g.amount_microcredits, h.placed_at, h.expires_at,
    g.provider_video_id, g.provider_status, g.provider_progress, g.last_look_at
  FROM generations g JOIN holds h ON h.generation_id = g.id JOIN accounts a ON a.id = g.account_id
  WHERE g.state = 'held';

CREATE VIEW recent_failures AS
  SELECT error_code, count(*) AS generations, sum(amount_microcredits)::bigint AS returned_microcredits, max(charged_at) AS last_at
  FROM generations g WHERE credits_charged = false AND charged_at > now() - interval '24 hours'
  GROUP BY error_code;

CREATE VIEW credit_usage_today AS
  SELECT g.account_id, a.name AS account_name,
    count(*) FILTER (WHERE credits_charged) AS charged_generations,
    COALESCE(sum(charged_amount_microcredits) FILTER (WHERE credits_charged), 0)::bigint AS charged_microcredits,
    count(*) FILTER (WHERE NOT credits_charged) AS refunded_generations,
    COALESCE(sum(amount_microcredits) FILTER (WHERE NOT credits_charged), 0)::bigint AS refunded_microcredits
  FROM generations g JOIN accounts a ON a.id = g.account_id
  WHERE charged_at >= date_trunc('day', now(), 'UTC')
  GROUP BY g.account_id, a.name;

-- Active past their hour: the workflow should have settled them.
CREATE VIEW stuck_holds AS
  SELECT h.id AS hold_id, h.generation_id, h.account_id, h.amount_microcredits, h.placed_at, h.expires_at, now() - h.expires_at AS overdue
  FROM holds h WHERE h.state = 'active' AND h.expires_at < now();

-- Always empty: every place where what is kept differs from what the entries say.
CREATE VIEW ledger_drift AS
  SELECT a.id AS account_id, 'available'::text AS what, a.available_microcredits::numeric AS kept,
    COALESCE((SELECT sum(amount_microcredits) FROM journal_entries e WHERE e.account_id = a.id AND e.book = 'available'), 0) AS recomputed
  FROM accounts a
  WHERE a.available_microcredits <> COALESCE((SELECT sum(amount_microcredits) FROM journal_entries e WHERE e.account_id = a.id AND e.book = 'available'), 0)
  UNION ALL
  SELECT a.id, 'held', a.held_microcredits,
    COALESCE((SELECT sum(amount_microcredits) FROM journal_entries e WHERE e.account_id = a.id AND e.book = 'held'), 0)
  FROM accounts a
  WHERE a.held_microcredits <> COALESCE((SELECT sum(amount_microcredits) FROM journal_entries e WHERE e.account_id = a.id AND e.book = 'held'), 0)
  UNION ALL
  SELECT a.id, 'active holds', a.held_microcredits,
    COALESCE((SELECT sum(amount_microcredits) FROM holds h WHERE h.account_id = a.id AND h.state = 'active'), 0)
  FROM accounts a
  WHERE a.held_microcredits <> COALESCE((SELECT sum(amount_microcredits) FROM holds h WHERE h.account_id = a.id AND h.state = 'active'), 0)
  UNION ALL
  SELECT a.id, 'active generations', a.active_generations, (SELECT count(*) FROM generations g WHERE g.account_id = a.id AND g.counts_as_active)
  FROM accounts a
  WHERE a.active_generations <> (SELECT count(*) FROM generations g WHERE g.account_id = a.id AND g.counts_as_active)
  UNION ALL
  SELECT NULL, 'journal transaction ' || transaction_id, 0, sum(amount_microcredits)
  FROM journal_entries GROUP BY transaction_id HAVING sum(amount_microcredits) <> 0
  UNION ALL
  SELECT g.account_id, 'hold of ' || g.id, g.amount_microcredits, h.amount_microcredits
  FROM generations g LEFT JOIN holds h ON h.generation_id = g.id
  WHERE g.amount_microcredits <> h.amount_microcredits OR h.state IS DISTINCT FROM
    CASE g.state WHEN 'held' THEN 'active' WHEN 'charged' THEN 'captured' WHEN 'refunded' THEN 'released' END
  UNION ALL
  SELECT g.account_id, 'charge of ' || g.id, g.charged_amount_microcredits, e.amount_microcredits
  FROM generations g
  LEFT JOIN journal_transactions t ON t.key = g.id || ':settle'
  LEFT JOIN journal_entries e ON e.transaction_id = t.id AND e.book = 'revenue'
  WHERE g.charged_amount_microcredits IS DISTINCT FROM e.amount_microcredits
  UNION ALL
  SELECT t.account_id, 'journal transaction ' || t.id || ' without entries', 0, NULL
  FROM journal_transactions t WHERE NOT EXISTS (SELECT FROM journal_entries e WHERE e.transaction_id = t.id);

GRANT SELECT ON active_generations, recent_failures, credit_usage_today, stuck_holds, ledger_drift TO holdfast_service;
