-- What an operator asks at 3 a.m., in psql.

CREATE VIEW active_generations AS
  SELECT g.id, g.account_id, a.name AS account_name, g.model, g.seconds, g.size, g.amount_microcredits, h.placed_at, h.expires_at,
    g.provider_video_id, g.provider_status, g.provider_progress, g.last_look_at
  FROM generations g JOIN holds h ON h.generation_id = g.id JOIN accounts a ON a.id = g.account_id
  WHERE g.state = 'held' AND h.state = 'active';
COMMENT ON VIEW active_generations IS
$$For operators: what is held now, and how far the provider has come.$$;

CREATE VIEW recent_failures AS
  SELECT error_code, count(*) AS generations, sum(amount_microcredits)::bigint AS returned_microcredits, max(settled_at) AS last_at
  FROM generations g WHERE credits_charged = false AND settled_at > now() - interval '24 hours'
  GROUP BY error_code;
COMMENT ON VIEW recent_failures IS
$$For operators: what was released in the last 24 hours, by error code.$$;

CREATE VIEW credit_usage_today AS
  SELECT g.account_id, a.name AS account_name,
    count(*) FILTER (WHERE credits_charged) AS charged_generations,
    COALESCE(sum(charged_amount_microcredits) FILTER (WHERE credits_charged), 0)::bigint AS charged_microcredits,
    count(*) FILTER (WHERE NOT credits_charged) AS released_generations,
    COALESCE(sum(amount_microcredits) FILTER (WHERE NOT credits_charged), 0)::bigint AS released_microcredits
  FROM generations g JOIN accounts a ON a.id = g.account_id
  WHERE settled_at >= date_trunc('day', now(), 'UTC')
  GROUP BY g.account_id, a.name;
COMMENT ON VIEW credit_usage_today IS
$$For operators: charged and released today (UTC), by account.$$;

CREATE VIEW stuck_holds AS
  SELECT h.id AS hold_id, h.generation_id, h.account_id, h.amount_microcredits, h.placed_at, h.expires_at, now() - h.expires_at AS overdue
  FROM holds h WHERE h.state = 'active' AND h.expires_at < now();
COMMENT ON VIEW stuck_holds IS
$$For operators: holds that are active past their time; their workflows should have settled them.
Rules: MR-19.$$;

GRANT SELECT ON active_generations, recent_failures, credit_usage_today, stuck_holds TO holdfast_service;
