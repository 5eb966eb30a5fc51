/* Usage documents that Halo does not show as they must be (billing.documents). One that is missing can be made again,
exactly as it was and under its own key, once a person agrees; one that changed or was voided is for people.

key: usage_key
reads: billing.documents, billing.plan, billing.ledger_state, staging.clients, reconciled.client_matches,
document_verdicts
extends: billing.documents
| row_id | VARCHAR | Row of the plan: its key as it is written | billing.documents.usage_key |
| month | VARCHAR | Its usage month | billing.documents.usage_key |
| company_id | VARCHAR | Its Pax8 company | billing.documents.usage_key |
| company_name | VARCHAR | Name of the company | reconciled.client_matches.company_name, billing.plan.company_name |
| client_name | VARCHAR | Name of the client | staging.clients.name, billing.plan.client_name |
| made | VARCHAR | What the plan that made it says of it | billing.plan.expect |
| currency | VARCHAR | ISO 4217 | billing.plan.currency |
| subscription_id | VARCHAR | Its subscription, may be empty | billing.plan.subscription_id |
| product_name | VARCHAR | What it is for | billing.plan.product_name |
| made_by | VARCHAR[] | Plans that made it | billing.ledger_state.plan_id |
| billing_blocked | BOOLEAN | Halo is told not to invoice the client | staging.clients.billing_blocked |
| moved_client | BOOLEAN | Its company belongs to another client now | reconciled.client_matches.client_id |
| verdict | VARCHAR | What is so | billing.documents.state, billing.ledger_state.state |
| again | BOOLEAN | It can be made again from here | billing.documents.state, billing.plan.expect |
*/
WITH writes AS (
  SELECT lower(row_id) AS usage_key, bool_or(state IN ('claimed', 'sent', 'unknown')) AS unsettled,
         list(plan_id ORDER BY plan_id) FILTER (state = 'verified') AS made_by
  FROM billing.ledger_state WHERE action = 'create_invoice' GROUP BY lower(row_id)
), disturbed AS (
  SELECT *, meta.usage_key_shown(usage_key) AS row_id, meta.usage_key_month(usage_key) AS month,
         meta.usage_key_company(usage_key) AS company_id
  FROM billing.documents WHERE state IN ('missing', 'changed', 'voided')
)
SELECT d.*, coalesce(m.company_name, p.company_name) AS company_name, coalesce(k.name, p.client_name) AS client_name,
       p.expect AS made, p.currency, coalesce(p.subscription_id, '') AS subscription_id, p.product_name, w.made_by,
       coalesce(k.billing_blocked, false) AS billing_blocked,
       coalesce(m.client_id <> d.client_id, false) AS moved_client,
       CASE WHEN d.state = 'missing' AND coalesce(w.unsettled, false) THEN 'usage_unsettled' ELSE 'usage_' || d.state
       END AS verdict,
       d.state = 'missing' AND NOT coalesce(w.unsettled, false) AND p.expect IS NOT NULL AS again
FROM disturbed d
LEFT JOIN billing.plan p ON p.plan_id = d.plan_id AND lower(p.row_id) = d.usage_key
LEFT JOIN writes w ON w.usage_key = d.usage_key
LEFT JOIN staging.clients k ON k.client_id = d.client_id
LEFT JOIN reconciled.client_matches m ON m.company_id = d.company_id
WHERE d.row_id NOT IN (SELECT usage_key FROM document_verdicts)
  AND (getvariable('bill_from') IS NULL OR d.month BETWEEN getvariable('bill_from') AND getvariable('bill_to'))
