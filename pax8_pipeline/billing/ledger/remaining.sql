-- What is left of one plan, by the ledger: rows with something to write and no verified entry.
SELECT count(*) FILTER (s.state = 'drifted') AS drifted,
       count(*) FILTER (p.class = 'safe' AND s.state IS DISTINCT FROM 'drifted') AS unwritten,
       count(*) FILTER (p.class = 'needs_approval' AND s.state IS DISTINCT FROM 'drifted') AS waiting,
       count(*) FILTER (p.reason IN ('guardrail_client', 'guardrail_run') AND s.state IS DISTINCT FROM 'drifted') AS held
FROM billing.plan p
LEFT JOIN billing.ledger_state s ON s.plan_id = p.plan_id AND s.row_id = p.row_id
WHERE p.plan_id = ? AND p.action <> 'none' AND s.state IS DISTINCT FROM 'verified' AND s.state IS DISTINCT FROM 'duplicate'
  AND (p.class IN ('safe', 'needs_approval') OR p.reason IN ('guardrail_client', 'guardrail_run'));
