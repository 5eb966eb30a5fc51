/* By how many units Halo billed a subscription more than Pax8 invoiced, in the month before: a change that Halo billed
for the whole month, and that Pax8 settles as a part of it on this month's invoice.

key: subscription_id
reads: generated_lines, line_shares, staging.invoice_items, staging.invoices
| subscription_id | VARCHAR | Pax8 subscription | line_shares.subscription_id |
| surplus | DECIMAL(28,10) | Units billed more, below 0 fewer | generated_lines.quantity,
  staging.invoice_items.quantity |
| part_surplus | DECIMAL(28,10) | The same of part periods: Halo billed a change before Pax8 charged it
  | generated_lines.quantity, staging.invoice_items.quantity |
*/
WITH month AS (
  SELECT (getvariable('month') || '-01')::DATE AS first_day
), billed AS (
  -- Of a line that several subscriptions share, nobody can tell whose the surplus was.
  SELECT s.subscription_id, coalesce(sum(g.quantity) FILTER (NOT g.is_part), 0) AS quantity,
         coalesce(sum(g.quantity) FILTER (g.is_part), 0) AS parts
  FROM month m
  JOIN generated_lines g ON g.first_month = m.first_day - INTERVAL 1 MONTH
  JOIN line_shares s ON s.line_id = g.line_id AND s.sharers = 1
  GROUP BY s.subscription_id
), invoiced AS (
  SELECT i.subscription_id, sum(i.quantity) FILTER (lower(i.type) = 'subscription') AS quantity,
         sum(i.quantity) FILTER (lower(i.type) = 'prorate') AS parts
  FROM month m
  JOIN staging.invoices v ON v.is_live AND date_trunc('month', v.invoice_date) = m.first_day - INTERVAL 1 MONTH
  JOIN staging.invoice_items i ON i.invoice_id = v.invoice_id AND NOT i.is_arrears
    AND lower(i.type) IN ('subscription', 'prorate')
  GROUP BY i.subscription_id
)
SELECT b.subscription_id, (b.quantity - coalesce(i.quantity, 0))::DECIMAL(28,10) AS surplus,
       (b.parts - coalesce(i.parts, 0))::DECIMAL(28,10) AS part_surplus
FROM billed b LEFT JOIN invoiced i USING (subscription_id)
