/* Each line of a Halo invoice that was made from the line of a subscription and not voided, with the month that it
bills,
and whether it bills the period or a part of one. Halo marks neither (docs/vendors/halo.md#pro-rata): of the lines
that one
recurring line left on one invoice, those with its own price bill the period, else the first one.

key: invoice_line_id
reads: staging.halo_invoice_lines, line_subscriptions, staging.recurring_invoice_lines
| invoice_line_id | BIGINT | Line of the invoice | staging.halo_invoice_lines.line_id |
| line_id | BIGINT | Line of the recurring invoice | staging.halo_invoice_lines.recurring_invoice_line_id |
| invoice_id | BIGINT | Halo invoice | staging.halo_invoice_lines.invoice_id |
| invoice_number | VARCHAR | Its number | staging.halo_invoice_lines.invoice_number |
| invoice_date | DATE | Its date | staging.halo_invoice_lines.invoice_date |
| posted | BOOLEAN | Sent to accounts | staging.halo_invoice_lines.posted |
| first_month | DATE | First day of the month in which its period begins | staging.halo_invoice_lines.period_start |
| is_part | BOOLEAN | It bills a part of a period | staging.halo_invoice_lines.unit_price |
| quantity | DECIMAL(28,10) | Quantity | staging.halo_invoice_lines.quantity |
| unit_price | DECIMAL(28,10) | Price per unit | staging.halo_invoice_lines.unit_price |
| unit_cost | DECIMAL(28,10) | Cost per unit | staging.halo_invoice_lines.unit_cost |
| net | DECIMAL(28,10) | Quantity times price | staging.halo_invoice_lines.net |
*/
WITH made AS (
  SELECT g.*, coalesce(g.unit_price = l.unit_price, false) AS own_price,
         row_number() OVER (PARTITION BY g.invoice_id, g.recurring_invoice_line_id ORDER BY g.line_id) AS nth
  FROM staging.halo_invoice_lines g
  LEFT JOIN staging.recurring_invoice_lines l ON l.line_id = g.recurring_invoice_line_id
  WHERE NOT g.voided AND g.recurring_invoice_line_id IN (SELECT line_id FROM line_subscriptions)
)
SELECT line_id AS invoice_line_id, recurring_invoice_line_id AS line_id, invoice_id, invoice_number,
       invoice_date, posted, date_trunc('month', coalesce(period_start, invoice_date))::DATE AS first_month,
       NOT CASE WHEN bool_or(own_price) OVER (PARTITION BY invoice_id, recurring_invoice_line_id) THEN own_price
                ELSE nth = 1 END AS is_part,
       quantity, unit_price, unit_cost, net
FROM made
