-- The findings of one stored plan: what is held or waits by its verdict, and usage without a company of the month that
-- is not charged yet.
-- Left out are changes that wait or are held only because of policy limits: approvals, guardrails and
-- the checks that hold all usage tell of those.
-- Parameters: plan_id, and those of billing/unassigned_usage.sql.
CREATE OR REPLACE TEMP TABLE findings_of_plan AS
WITH plan AS (
  SELECT p.*, v.class AS verdict_class, coalesce(v.check_name, getvariable('any_other_check')) AS verdict_check,
         meta.is_usage(p.verdict) AS is_usage,
         p.action <> 'none' AND p.class = 'needs_approval' AS waits,
         d.subject IS NOT NULL AS in_discrepancies, d.stake, d.detail
  FROM billing.plan p
  LEFT JOIN finding_verdicts v USING (verdict)
  LEFT JOIN reconciled.discrepancies d ON d.subject = p.row_id AND d.kind = p.verdict
  -- What may be made is for a subscription or company whose own row has the loss.
  WHERE p.plan_id = $plan_id AND NOT coalesce(v.is_new, false)
), figures AS (
  SELECT *, try_cast(evidence->>'wanted' AS DECIMAL(28,10)) AS wanted,
         try_cast(evidence->>'billed' AS DECIMAL(28,10)) AS billed
  FROM plan
), priced AS (
  SELECT *, CASE
      WHEN is_usage THEN CASE
        -- What the other client was billed is too much there; what Halo shows under our key counts as billed.
        WHEN verdict = 'usage_other_client' THEN -billed
        WHEN verdict = 'usage_differs' THEN nullif(money_per_month - (
          SELECT coalesce(sum(h.lines_net), 0) FROM staging.halo_invoices h WHERE NOT h.voided
                 AND list_contains(h.usage_keys, lower(row_id))), 0)
        WHEN verdict = 'usage_changed' THEN nullif(wanted - coalesce(try_cast(evidence->>'shown' AS DECIMAL(28,10)), 0),
          0)
        ELSE coalesce(nullif(unbilled_per_month, 0), nullif(money_per_month, 0), nullif(wanted, 0), 0) END
      WHEN action <> 'none' THEN money_per_month
      WHEN unbilled_per_month <> 0 THEN unbilled_per_month
      -- A row that the reconciliation does not know by this verdict: nobody can say what it costs.
      ELSE CASE WHEN in_discrepancies THEN stake END END AS money,
    CASE WHEN verdict_class IN ('blocked', 'needs_approval') THEN verdict_check
         WHEN is_usage THEN 'usage_held' WHEN verdict_class IS NULL THEN verdict_check
           ELSE 'held_by_policy' END AS check_name
  FROM figures
  WHERE (class = 'blocked' AND reason NOT LIKE 'native_integration%'
         AND reason NOT IN ('guardrail_client', 'guardrail_run', 'usage_other_writer', 'usage_documents',
           'usage_check'))
     OR (verdict_class = 'needs_approval'
       AND (class = 'needs_approval' OR (in_discrepancies AND stake IS DISTINCT FROM 0)))
), found AS (
  SELECT verdict AS kind, check_name, row_id, subscription_id, client_id, client_name, company_id, company_name,
         product_name, sentence, money,
         CASE WHEN is_usage THEN 'once' ELSE 'month' END AS per, currency, waits
  FROM priced
  UNION ALL BY NAME
  SELECT 'usage_unassigned' AS kind, 'usage_unassigned' AS check_name, row_id,
         coalesce(subscription_id, '') AS subscription_id,
         'Usage of ' || strftime(strptime(month || '-01', '%Y-%m-%d'), '%B %Y') AS product_name,
         'no company assigned in Pax8 (' || shape || '), so far (' || coalesce(vendor_name || ', ', '') || 'group '
           || coalesce(resource_group, 'without a name') || ')' AS sentence,
         money, 'once' AS per, currency, false AS waits
  FROM ({unassigned_usage}) WHERE so_far AND row_id NOT IN (SELECT row_id FROM billing.plan WHERE plan_id = $plan_id)
)
SELECT kind || CASE WHEN money < 0 THEN '-overcharge' ELSE '' END || ':' || row_id AS finding_id, * FROM found;
