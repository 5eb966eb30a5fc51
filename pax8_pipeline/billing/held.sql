-- Sentences of the guardrails that hold rows of one plan which no run has started to write. Parameters: plan_id; usage,
-- the actions that charge usage.
SELECT DISTINCT p.reason, p.sentence, list_contains($usage, p.action) AS usage
FROM billing.plan p
WHERE p.plan_id = $plan_id AND p.action <> 'none' AND p.class = 'blocked'
  AND p.reason IN ('guardrail_client', 'guardrail_run')
  AND NOT EXISTS (SELECT 1 FROM billing.ledger l WHERE l.plan_id = p.plan_id AND l.row_id = p.row_id)
ORDER BY ALL;
