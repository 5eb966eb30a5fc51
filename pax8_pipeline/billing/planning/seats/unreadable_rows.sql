/* Plan rows of records that cannot be read, whether or not a subscription points at them. Those of Pax8's subscriptions
are rows by themselves.

key: row_id
reads: staging.rejects, staging.clients, staging.companies, verdict_classes
when: staging.rejects
fills: plan_rows
*/
WITH rejected AS (
  SELECT *, wording('record_names', table_name) AS what,
         CASE WHEN table_name IN ('staging.recurring_invoice_lines', 'staging.line_licences') THEN line_id::VARCHAR
              ELSE object_id END AS name
  FROM staging.rejects
), records AS (
  SELECT what, name, coalesce(name, md5(payload)[:12]) AS shown_name,
         string_agg(DISTINCT reason, '; ' ORDER BY reason) AS reasons,
         any_value(client_id) AS client_id, any_value(company_id) AS company_id,
         coalesce(any_value(subscription_id), '') AS subscription_id,
         any_value(recurring_invoice_id) AS recurring_invoice_id, any_value(line_id) AS line_id,
         any_value(licence_id) AS licence_id, any_value(reason) AS detail, left(any_value(payload), 500) AS sent
  FROM rejected WHERE what IS NOT NULL
  GROUP BY what, name, CASE WHEN name IS NULL THEN payload END, coalesce(name, md5(payload)[:12])
)
SELECT 'unreadable ' || r.what || ' ' || r.shown_name AS row_id, v.class, v.verdict, 'none' AS action,
       v.verdict AS reason, v.sentence || ' (' || r.what || coalesce(' ' || r.name, '') || ': ' || r.reasons
         || ')' AS sentence,
       r.client_id, k.name AS client_name, r.company_id, c.name AS company_name, r.subscription_id,
       r.recurring_invoice_id, r.line_id, r.licence_id, 0 AS delta, 0 AS money_per_period, 0 AS money_per_month,
       0 AS unbilled_per_month, '{}' AS expect, to_json({'detail': r.detail, 'sent': r.sent})::VARCHAR AS evidence
FROM records r
JOIN verdict_classes v ON v.verdict = 'unreadable_record'
LEFT JOIN staging.clients k ON k.client_id = r.client_id
LEFT JOIN staging.companies c ON c.company_id = r.company_id
