/* What differs in a closed month since it was closed, where the month was compared again. What can no longer be
compared is no change of what was billed: then only Pax8's side counts.

key: month, row_id
reads: billing.month_closings, billing.closed_month_rows, monthly.months, monthly.rows
| month | VARCHAR | Month of the invoice date, yyyy-mm | billing.month_closings.month |
| row_id | VARCHAR | Name of the row | monthly.rows.row_id |
| change | VARCHAR | new, gone or changed | |
| kind | VARCHAR | Kind of charge | monthly.rows.kind |
| client_name | VARCHAR | Halo client, else Pax8 company | monthly.rows.client_name, monthly.rows.company_name |
| product_name | VARCHAR | Product | monthly.rows.product_name |
| class_closed | VARCHAR | Class when the month was closed | billing.closed_month_rows.class |
| class_now | VARCHAR | Class now | monthly.rows.class |
| cost_closed | DECIMAL(28,10) | What Pax8 invoiced the partner then | billing.closed_month_rows.pax8_cost |
| cost_now | DECIMAL(28,10) | What Pax8 invoices now | monthly.rows.pax8_cost |
| total_closed | DECIMAL(28,10) | Client total then | billing.closed_month_rows.pax8_total |
| total_now | DECIMAL(28,10) | Client total now | monthly.rows.pax8_total |
| billed_closed | DECIMAL(28,10) | What Halo billed then, a month | billing.closed_month_rows.halo_money |
| billed_now | DECIMAL(28,10) | What Halo bills now, a month | monthly.rows.halo_money |
| currency | VARCHAR | ISO 4217 | monthly.rows.currency |
*/
WITH newest AS (
  SELECT month, max(closing) AS closing FROM billing.month_closings
  WHERE month IN (SELECT month FROM monthly.months) GROUP BY month
), closed AS (
  SELECT n.month, c.* FROM newest n JOIN billing.closed_month_rows c USING (closing)
), present AS (
  SELECT r.* FROM monthly.rows r SEMI JOIN newest n ON n.month = r.month
)
SELECT coalesce(p.month, c.month) AS month, coalesce(p.row_id, c.row_id) AS row_id,
       CASE WHEN c.row_id IS NULL THEN 'new' WHEN p.row_id IS NULL THEN 'gone' ELSE 'changed' END AS change,
       coalesce(p.kind, c.kind) AS kind,
       coalesce(p.client_name, c.client_name, p.company_name, c.company_name) AS client_name,
       coalesce(p.product_name, c.product_name) AS product_name, c.class AS class_closed, p.class AS class_now,
       c.pax8_cost AS cost_closed, p.pax8_cost AS cost_now, c.pax8_total AS total_closed, p.pax8_total AS total_now,
       c.halo_money AS billed_closed, p.halo_money AS billed_now, coalesce(p.currency, c.currency) AS currency
FROM present p FULL JOIN closed c ON c.month = p.month AND c.row_id = p.row_id
WHERE CASE
  -- A subscription that was bought later has a row, and nothing in it.
  WHEN c.row_id IS NULL THEN p.class NOT IN ('equal', 'timing', 'not_checked') OR p.pax8_total <> 0 OR p.pax8_cost <> 0
                             OR p.halo_money <> 0
  WHEN p.row_id IS NULL THEN c.class NOT IN ('equal', 'timing', 'not_checked') OR c.pax8_total <> 0 OR c.pax8_cost <> 0
                             OR c.halo_money <> 0
  WHEN p.pax8_total <> c.pax8_total OR p.pax8_cost <> c.pax8_cost THEN true
  WHEN p.class = 'not_checked' THEN false
  ELSE p.halo_money <> c.halo_money OR p.halo_billed IS DISTINCT FROM c.halo_billed
       OR p.client_id IS DISTINCT FROM c.client_id OR p.currency IS DISTINCT FROM c.currency
       OR replace(p.class, 'timing', 'equal') <> replace(c.class, 'timing', 'equal')
       OR (c.reached_bill IN ('posted', 'corrected') AND p.reached_bill NOT IN ('posted', 'corrected')) END
