-- Usage without a company, one row for each group and month, as the findings of the plan count it, the most money
-- first.
-- Of an earlier plan the findings are not known: its rows. What is not charged yet is beside its summaries.
-- Parameter: plan_id.
WITH found AS (
  SELECT row_id, coalesce(money, 0) AS amount, currency, subscription_id FROM billing.findings
  WHERE plan_id = $plan_id AND still_open AND kind = 'usage_unassigned'
  UNION ALL BY NAME
  SELECT row_id, unbilled_per_month AS amount, currency, subscription_id FROM billing.plan
  WHERE plan_id = $plan_id AND verdict = 'usage_unassigned'
    AND NOT EXISTS (FROM billing.findings WHERE plan_id = $plan_id)
), summaries AS (
  SELECT 'usage ' || month || ' unassigned ' || coalesce(subscription_id, '-') || '/'
           || coalesce(lower(trim(resource_group)), '-') || ' ' || coalesce(currency, '?') AS row_id,
         month, any_value(resource_group) AS resource_group, any_value(vendor_name) AS vendor_name,
         CASE WHEN min(company_sent) = 'sent' THEN 'listed with a company' ELSE min(company_sent) END AS shape,
         sum(charges) AS charges, sum(cost) AS cost, count(*) AS items
  FROM staging.usage_summaries WHERE NOT is_trial
  GROUP BY month, subscription_id, lower(trim(resource_group)), currency
)
SELECT coalesce(p.evidence->>'month', s.month) AS month, p.row_id IS NULL AS is_estimate,
       coalesce(p.evidence->>'resource_group', s.resource_group) AS resource_group,
       coalesce(p.evidence->>'vendor', s.vendor_name) AS vendor_name, f.subscription_id,
       coalesce(p.evidence->>'shape', s.shape) AS shape, round(f.amount, 2) AS amount,
       round(coalesce(try_cast(p.evidence->>'charges' AS DECIMAL(28,10)), s.charges), 2) AS charges,
       round(coalesce(try_cast(p.evidence->>'cost' AS DECIMAL(28,10)), s.cost), 2) AS cost,
       coalesce(f.currency, '?') AS currency, coalesce((p.evidence->>'items')::BIGINT, s.items) AS items
FROM found f
LEFT JOIN billing.plan p ON p.plan_id = $plan_id AND p.row_id = f.row_id
LEFT JOIN summaries s ON s.row_id = f.row_id
ORDER BY month DESC, abs(f.amount) DESC, f.subscription_id, resource_group
