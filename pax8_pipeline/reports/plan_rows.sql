-- The rows of one plan in reading order: not billed at all first, with the most money on top; then rows with lost
-- money,
-- changes, what waits, what is blocked. With what the ledger says became of a row, and with its finding.
-- Parameters: plan_id; no_ops (false: without the rows that need nothing).
SELECT p.*, l.state, l.detail AS state_detail, f.first_seen AS since, 
       coalesce(f.first_seen = h.today AND coalesce(f.first_plan = h.plan_id, true), false) AS is_new,
       f.finding_id, f.money AS at_stake, f.per, coalesce(f.acknowledged, false) AS acknowledged,
       f.ack_who, f.ack_until, f.ack_reason
FROM billing.plan p
JOIN billing.plans h ON h.plan_id = p.plan_id
LEFT JOIN billing.ledger_state l ON l.plan_id = p.plan_id AND l.row_id = p.row_id
LEFT JOIN (
  -- A row may have been two findings by now, too little billed and too much: the last one it was.
  SELECT * FROM billing.findings_state
  QUALIFY row_number() OVER (PARTITION BY row_id, kind ORDER BY last_seen DESC, still_open DESC) = 1
) f ON f.row_id = p.row_id AND f.kind = p.verdict AND f.first_seen <= h.today
WHERE p.plan_id = $plan_id AND ($no_ops OR p.class <> 'no_op' OR p.verdict IN ('pending_cancel', 'trial'))
ORDER BY CASE WHEN p.verdict = 'unbilled' THEN 0 WHEN p.unbilled_per_month > 0 THEN 1 WHEN p.class = 'safe' THEN 2
              WHEN p.class = 'needs_approval' THEN 3 WHEN p.class = 'blocked' THEN 4 ELSE 5 END,
         p.unbilled_per_month DESC, p.client_name, p.product_name, p.row_id
