-- What remains of one plan, by the ledger: rows with something to write and no verified entry. Parameter: plan id.
WITH rows AS (
  SELECT p.class, p.reason, coalesce(s.state, '') AS state
  FROM billing.plan p
  LEFT JOIN billing.ledger_state s ON s.plan_id = p.plan_id AND s.row_id = p.row_id
  WHERE p.plan_id = ? AND p.action <> 'none'
)
SELECT count(*) FILTER (state = 'drifted') AS drifted,
       count(*) FILTER (class = 'safe' AND state <> 'drifted') AS unwritten,
       count(*) FILTER (class = 'needs_approval' AND state <> 'drifted') AS waiting,
       count(*) FILTER (reason IN ('guardrail_client', 'guardrail_run') AND state <> 'drifted') AS held
FROM rows
WHERE state NOT IN ('verified', 'duplicate')
  AND (class IN ('safe', 'needs_approval') OR reason IN ('guardrail_client', 'guardrail_run'));
