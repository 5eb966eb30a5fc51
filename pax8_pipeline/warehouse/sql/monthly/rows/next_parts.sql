/* The part periods of this month that the invoices of the next one settle, by both sides.

key: subscription_id
reads: expected_seats, seat_bills, staging.invoice_items, staging.invoices, generated_lines
| subscription_id | VARCHAR | Pax8 subscription | expected_seats.subscription_id |
| pax8_parts | DECIMAL(28,10) | Seats that Pax8 invoices for a part of the month, a month later
  | staging.invoice_items.quantity |
| halo_parts | DECIMAL(28,10) | Units that Halo bills for a part of the month, a month later |
  generated_lines.quantity |
*/
WITH month AS (
  SELECT (getvariable('month') || '-01')::DATE AS first_day, last_day((getvariable('month') || '-01')::DATE) AS last_day
), pax8_parts AS (
  SELECT i.subscription_id, sum(i.quantity) AS quantity
  FROM month m
  JOIN staging.invoices v ON v.is_live AND date_trunc('month', v.invoice_date) = m.last_day + 1
  JOIN staging.invoice_items i ON i.invoice_id = v.invoice_id AND lower(i.type) = 'prorate'
    AND i.start_period BETWEEN m.first_day AND m.last_day
  GROUP BY i.subscription_id
), halo_parts AS (
  SELECT k.subscription_id, sum(g.quantity) AS quantity
  FROM month m
  JOIN generated_lines g ON g.is_part AND g.first_month = m.last_day + 1
  JOIN (SELECT subscription_id, unnest(line_ids) AS line_id FROM seat_bills) k ON k.line_id = g.line_id
  GROUP BY k.subscription_id
)
SELECT e.subscription_id, p.quantity::DECIMAL(28,10) AS pax8_parts, h.quantity::DECIMAL(28,10) AS halo_parts
FROM expected_seats e
LEFT JOIN pax8_parts p ON p.subscription_id = e.subscription_id
LEFT JOIN halo_parts h ON h.subscription_id = e.subscription_id
WHERE p.quantity IS NOT NULL OR h.quantity IS NOT NULL
