/* What each Halo line of a subscription bills in the month: by the invoices made from it for that month, else as the
recurring invoice stands now.

key: line_id
extends: line_terms
reads: line_terms, header_bills, generated_lines
| state | VARCHAR | How the month was billed: made, not_on_invoice, voided, skipped or not_yet | header_bills.state,
  generated_lines.line_id |
| invoices | VARCHAR[] | Numbers of the invoices | header_bills.invoices |
| invoice_date | DATE | Date of the first of them | header_bills.invoice_date |
| posted | BOOLEAN | One of them was sent to accounts | header_bills.posted |
| billed | DECIMAL(28,10) | Units that it bills in the month; empty when that cannot be told |
  generated_lines.quantity,
  line_terms.quantity |
| first_billed | DECIMAL(28,10) | Units on the first of several invoices | generated_lines.quantity |
| bill_price | DECIMAL(28,10) | Price per unit and period there | generated_lines.unit_price, line_terms.unit_price |
| bill_cost | DECIMAL(28,10) | Cost per unit and period there | generated_lines.unit_cost, line_terms.unit_cost |
| part_quantity | DECIMAL(28,10) | Units billed for part periods | generated_lines.quantity |
| part_net | DECIMAL(28,10) | Their money | generated_lines.net |
*/
WITH month AS (
  SELECT (getvariable('month') || '-01')::DATE AS first_day
), covering AS (
  SELECT g.*, min(g.invoice_id) OVER (PARTITION BY g.line_id) AS first_id
  FROM line_terms t CROSS JOIN month m
  JOIN generated_lines g ON g.line_id = t.line_id AND g.first_month <= m.first_day
    AND g.first_month > m.first_day - to_months(greatest(coalesce(t.period_months, 1), 1)::INTEGER)
), made AS (
  SELECT line_id, sum(quantity) FILTER (NOT is_part) AS billed, bool_or(quantity IS NULL OR net IS NULL) AS unreadable,
         CASE WHEN count(DISTINCT invoice_id) > 1
              THEN coalesce(sum(quantity) FILTER (NOT is_part AND invoice_id = first_id), 0) END AS first_billed,
         max(unit_price) FILTER (NOT is_part) AS bill_price, max(unit_cost) FILTER (NOT is_part) AS bill_cost,
         sum(quantity) FILTER (is_part) AS part_quantity, sum(net) FILTER (is_part) AS part_net
  FROM covering GROUP BY line_id
), with_state AS (
  SELECT t.*, m.* EXCLUDE (line_id), m.line_id IS NOT NULL AS on_invoice, h.invoices, h.invoice_date, h.posted,
         CASE WHEN m.line_id IS NOT NULL THEN 'made' WHEN h.state = 'made' THEN 'not_on_invoice'
              ELSE coalesce(h.state, 'not_yet') END AS state
  FROM line_terms t
  LEFT JOIN header_bills h USING (recurring_invoice_id)
  LEFT JOIN made m ON m.line_id = t.line_id
)
SELECT * EXCLUDE (billed, unreadable, first_billed, bill_price, bill_cost, part_quantity, part_net, on_invoice,
                  invoices, invoice_date, posted, state),
       state, invoices, invoice_date, coalesce(posted, false) AS posted,
       CASE state WHEN 'made' THEN CASE WHEN NOT unreadable THEN coalesce(billed, 0) END
                  WHEN 'not_yet' THEN quantity ELSE 0 END::DECIMAL(28,10) AS billed,
       first_billed::DECIMAL(28,10) AS first_billed, coalesce(bill_price, unit_price) AS bill_price,
       coalesce(bill_cost, unit_cost) AS bill_cost, part_quantity::DECIMAL(28,10) AS part_quantity,
       part_net::DECIMAL(28,10) AS part_net
FROM with_state
