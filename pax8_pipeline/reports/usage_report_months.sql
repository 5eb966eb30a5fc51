-- Usage by month and currency as the report tells it. Parameter: plan_id, whose rows say what waits and what is held.
WITH charged AS (
  SELECT u.month, u.currency, sum(u.amount) FILTER (u.bucket = 'billable' AND u.counts) AS to_bill,
         sum(CASE WHEN u.amount <> 0 THEN u.amount ELSE u.cost END)
           FILTER (u.bucket = 'unassigned' AND u.counts) AS unassigned,
         sum(u.charges) FILTER (u.bucket = 'skipped' AND u.counts) AS skipped,
         sum(u.amount) FILTER (u.verdict = 'estimate' AND n.state IN ('open', 'closing')) AS estimate
  FROM reconciled.usage u JOIN reconciled.usage_months n USING (month) GROUP BY ALL
), billed AS (
  SELECT month, currency, sum(amount) AS billed FROM billing.usage_billed WHERE state = 'verified' GROUP BY ALL
), planned AS (
  SELECT json_extract_string(p.expect, '$.usage.month') AS month, p.currency,
         sum(p.money_per_period) FILTER (p.class <> 'blocked') AS waiting, sum(p.money_per_period)
           FILTER (p.class = 'blocked') AS held
  FROM billing.plan p LEFT JOIN billing.ledger_state l ON l.plan_id = p.plan_id AND l.row_id = p.row_id
  WHERE p.plan_id = $plan_id AND p.class <> 'no_op' AND l.state IS DISTINCT FROM 'verified'
    AND json_extract_string(p.expect, '$.usage.month') IS NOT NULL
  GROUP BY ALL
), keys AS (
  SELECT month, currency FROM charged UNION SELECT month, currency FROM billed UNION SELECT month, currency FROM planned
)
SELECT k.month, n.state, n.why, coalesce(k.currency, '?') AS currency, round(coalesce(c.to_bill, 0), 2) AS to_bill,
       round(coalesce(b.billed, 0), 2) AS billed, round(coalesce(p.waiting, 0), 2) AS waiting,
         round(coalesce(p.held, 0), 2) AS held,
       round(coalesce(c.unassigned, 0), 2) AS unassigned, round(coalesce(c.skipped, 0), 2) AS skipped,
       round(coalesce(c.estimate, 0), 2) AS estimate
FROM keys k
LEFT JOIN reconciled.usage_months n USING (month)
LEFT JOIN charged c ON c.month = k.month AND c.currency IS NOT DISTINCT FROM k.currency
LEFT JOIN billed b ON b.month = k.month AND b.currency IS NOT DISTINCT FROM k.currency
LEFT JOIN planned p ON p.month = k.month AND p.currency IS NOT DISTINCT FROM k.currency
WHERE coalesce(c.to_bill, b.billed, p.waiting, p.held, c.unassigned, c.skipped, c.estimate) IS NOT NULL
ORDER BY k.month DESC, currency
