/* Each Halo line that bills a subscription, as its recurring invoice stands now.

key: line_id
reads: line_subscriptions, staging.recurring_invoice_lines, staging.recurring_invoices, staging.line_licences,
  staging.licences
| line_id | BIGINT | Halo line | line_subscriptions.line_id |
| recurring_invoice_id | BIGINT | Its recurring invoice | staging.recurring_invoice_lines.recurring_invoice_id |
| billed_client_id | BIGINT | Client of the recurring invoice | staging.recurring_invoices.client_id |
| currency | VARCHAR | Currency of the recurring invoice where Halo names it | staging.recurring_invoices.currency |
| next_creation_date | DATE | When the next invoice is made | staging.recurring_invoices.next_creation_date |
| is_live | BOOLEAN | The line bills now, or may bill | staging.recurring_invoice_lines.is_live |
| is_manual | BOOLEAN | Its quantity was typed in | staging.recurring_invoice_lines.quantity_source |
| period_months | DECIMAL(18,6) | Months that its price covers | staging.recurring_invoices.period |
| qty_free | DECIMAL(38,10) | Units not billed | staging.line_licences.qty_free |
| minimum_qty | DECIMAL(28,10) | Least quantity billed | staging.line_licences.minimum_qty |
| pending_pro_rata | BIGINT | Part periods that wait for the next invoice
  | staging.recurring_invoice_lines.pending_pro_rata |
| quantity | DECIMAL(28,10) | What the line would bill now; empty when that cannot be told
  | staging.recurring_invoice_lines.qty_order, staging.licences.count |
| unit_price | DECIMAL(28,10) | Price per unit and period | staging.recurring_invoice_lines.unit_price,
  staging.licences.price |
| unit_cost | DECIMAL(28,10) | Cost per unit and period | staging.recurring_invoice_lines.unit_cost |
*/
WITH lines AS (
  SELECT DISTINCT k.line_id, l.* EXCLUDE (line_id), l.line_id IS NULL OR l.problem IS NOT NULL
         OR r.problem IS NOT NULL AS unreadable, r.client_id, r.currency, r.next_creation_date, r.period
  FROM line_subscriptions k
  LEFT JOIN staging.recurring_invoice_lines l ON l.line_id = k.line_id
  LEFT JOIN staging.recurring_invoices r ON r.recurring_invoice_id = l.recurring_invoice_id
), followed AS (
  SELECT q.line_id, sum(c.count) AS count_sum, sum(q.qty_free) AS qty_free, max(q.minimum_qty) AS minimum_qty,
         max(c.price) AS licence_price,
         bool_or(q.problem IS NOT NULL OR c.problem IS NOT NULL OR c.count IS NULL) AS unreadable
  FROM staging.line_licences q LEFT JOIN staging.licences c ON c.licence_id = q.licence_id GROUP BY q.line_id
)
SELECT l.line_id, l.recurring_invoice_id, l.client_id AS billed_client_id, l.currency, l.next_creation_date,
       coalesce(l.is_live, false) AS is_live, coalesce(l.quantity_source = 'manual', false) AS is_manual,
       meta.period_months(l.period)::DECIMAL(18,6) AS period_months, f.qty_free, f.minimum_qty, l.pending_pro_rata,
       CASE WHEN l.unreadable OR coalesce(f.unreadable, false) THEN NULL
            WHEN NOT l.is_live THEN 0
            WHEN l.quantity_source = 'manual' THEN l.qty_order
            WHEN l.quantity_source = 'licence' THEN greatest(f.count_sum - f.qty_free, f.minimum_qty, 0)
       END::DECIMAL(28,10) AS quantity,
       CASE WHEN l.linked_price THEN f.licence_price ELSE l.unit_price END AS unit_price, l.unit_cost
FROM lines l LEFT JOIN followed f ON f.line_id = l.line_id
