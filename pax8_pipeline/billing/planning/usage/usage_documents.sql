/* Each company's month that the plan is about: what it comes to, what was billed of it, and the key of its next
document.

key: month, company_id
extends: usage_scope
reads: usage_scope, usage_expected_lines, usage_billed_lines, usage_lines_due, usage_ledger_lines, staging.clients
| company_id | VARCHAR | Pax8 company | usage_expected_lines.company_id, usage_billed_lines.company_id |
| company_name | VARCHAR | Its name | usage_expected_lines.company_name |
| client_id | BIGINT | Halo client | usage_expected_lines.client_id, usage_billed_lines.client_id |
| client_name | VARCHAR | Its name | usage_expected_lines.client_name, staging.clients.name |
| currency | VARCHAR | ISO 4217 | usage_expected_lines.currency, usage_billed_lines.currency |
| wanted | DECIMAL(38,2) | What it comes to | usage_expected_lines.amount |
| billed | DECIMAL(38,10) | What was billed of it | usage_billed_lines.amount |
| billed_before | BOOLEAN | Something of it was, or may have been | usage_billed_lines.company_id |
| unsettled | BOOLEAN | A write of it has no known end | usage_billed_lines.unsettled |
| moved_client | BOOLEAN | It was billed to another client | usage_expected_lines.client_id,
  usage_billed_lines.client_id |
| items | HUGEINT | Charges in it | usage_expected_lines.items |
| invoice_ids | VARCHAR[] | Pax8 invoices they are on | usage_expected_lines.invoice_ids |
| subscription_id | VARCHAR | Its subscription, empty where there are several | usage_expected_lines.ref |
| billing_blocked | BOOLEAN | Halo is told not to invoice the client | staging.clients.billing_blocked |
| billed_client_id | BIGINT | Another client that gets its invoices | staging.clients.billed_client_id |
| usage_key | VARCHAR | Key of the next document | usage_expected_lines.company_id, usage_ledger_lines.usage_key |
| base_key | VARCHAR | Key of the month's first one | usage_expected_lines.company_id |
| lines | BIGINT | Lines of the next document | usage_lines_due.ref |
| due | DECIMAL(38,10) | What it charges, once | usage_lines_due.amount |
| due_cost | DECIMAL(38,10) | What Pax8 charges for that | usage_lines_due.cost |
| itemised | BOOLEAN | Each line has a Halo item | usage_lines_due.item_id |
| mark | VARCHAR | Short sum over its lines: another content is another document | usage_lines_due.amount |
*/
WITH expected AS (
  SELECT month, company_id, any_value(company_name) AS company_name, any_value(client_id) AS client_id,
         any_value(client_name) AS client_name, any_value(currency) AS currency, sum(amount) AS amount,
         sum(items) AS items, list_sort(list_distinct(flatten(list(invoice_ids)))) AS invoice_ids,
         count(DISTINCT split_part(ref, ' ', 1)) AS subscriptions, min(split_part(ref, ' ', 1)) AS subscription_id
  FROM usage_expected_lines GROUP BY month, company_id
), billed AS (
  SELECT month, company_id, any_value(client_id) AS client_id, any_value(currency) AS currency, sum(amount) AS amount,
         bool_or(unsettled) AS unsettled
  FROM usage_billed_lines GROUP BY month, company_id
), adjusted AS (
  SELECT month, company_id, count(DISTINCT usage_key) FILTER (usage_key LIKE '%-adj%') AS adjustments
  FROM usage_ledger_lines WHERE action = 'create_invoice' GROUP BY ALL
), due AS (
  SELECT month, company_id, count(*) AS lines, sum(amount) AS amount, sum(cost) AS cost,
         bool_and(item_id IS NOT NULL) AS itemised, md5(string_agg(ref || ' ' || amount, ',' ORDER BY ref))[:6] AS mark
  FROM usage_lines_due GROUP BY month, company_id
), both_sides AS (
  SELECT month, company_id, w.company_name, coalesce(w.client_id, h.client_id) AS client_id, w.client_name,
         coalesce(w.currency, h.currency) AS currency, coalesce(w.amount, 0) AS wanted, coalesce(h.amount, 0) AS billed,
         h.month IS NOT NULL AS billed_before, coalesce(h.unsettled, false) AS unsettled,
         w.client_id IS DISTINCT FROM h.client_id AND w.month IS NOT NULL AND h.month IS NOT NULL AS moved_client,
         coalesce(w.items, 0) AS items, w.invoice_ids,
         CASE WHEN w.subscriptions = 1 AND w.subscription_id NOT IN ('*', '-') THEN w.subscription_id ELSE ''
         END AS subscription_id
  FROM expected w FULL JOIN billed h USING (month, company_id)
)
SELECT s.*, b.company_id, b.company_name, b.client_id, coalesce(b.client_name, k.name) AS client_name, b.currency,
       b.wanted, b.billed, b.billed_before, b.unsettled, b.moved_client, b.items, b.invoice_ids, b.subscription_id,
       coalesce(k.billing_blocked, false) AS billing_blocked,
         nullif(k.billed_client_id, k.client_id) AS billed_client_id,
       meta.usage_key(month, b.company_id, CASE WHEN b.billed_before
         THEN coalesce(n.adjustments, 0) + 1 END) AS usage_key,
       meta.usage_key(month, b.company_id, NULL) AS base_key, coalesce(u.lines, 0) AS lines,
         coalesce(u.amount, 0) AS due,
       coalesce(u.cost, 0) AS due_cost, coalesce(u.itemised, true) AS itemised, u.mark
FROM both_sides b
JOIN usage_scope s USING (month)
LEFT JOIN due u USING (month, company_id)
LEFT JOIN adjusted n USING (month, company_id)
LEFT JOIN staging.clients k ON k.client_id = b.client_id
WHERE s.considered AND s.final
