-- What keeps the rows of one plan from being written without a person, by client, with the money of a month (usage: of
-- the charge). Left out: what is fine, what is written anyway, and findings that somebody has acknowledged.
-- Parameter: plan_id.
WITH found AS (
  SELECT p.client_id, p.client_name, p.company_id, p.verdict, p.currency, p.action <> 'none' AS proposes,
         CASE WHEN p.action = 'none' THEN 'finding'
              WHEN p.class = 'needs_approval' THEN 'waits'
              WHEN p.reason LIKE 'guardrail%' THEN 'guardrail'
              WHEN p.reason LIKE 'native_integration%' THEN 'native_integration'
              WHEN p.reason = 'trust_observe' THEN 'observed'
              ELSE 'held' END AS kind,
         coalesce(nullif(p.unbilled_per_month, 0), p.money_per_month) AS money
  FROM billing.plan p
  LEFT JOIN billing.findings_state f ON f.row_id = p.row_id AND f.kind = p.verdict AND f.still_open
  WHERE p.plan_id = $plan_id AND p.class IN ('blocked', 'needs_approval') AND NOT coalesce(f.acknowledged, false)
)
SELECT client_id, any_value(client_name) AS client_name, kind, CASE WHEN kind = 'finding' THEN verdict END AS verdict,
       currency, count(*) AS number, count(DISTINCT company_id) AS companies, sum(abs(money)) AS money,
       count(*) FILTER (money IS NULL) AS without_money
FROM found GROUP BY client_id, kind, CASE WHEN kind = 'finding' THEN verdict END, currency
ORDER BY client_id NULLS LAST, money DESC NULLS LAST, kind, verdict
