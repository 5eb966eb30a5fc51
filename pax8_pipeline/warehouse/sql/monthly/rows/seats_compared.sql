/* The four statements about the seats of each subscription beside each other: Pax8's list, its invoice, Halo's
recurring
invoice, and the invoices made from it. Money is a month's share: of a price for a year it is a twelfth.

key: subscription_id
extends: expected_seats
reads: expected_seats, seat_bills, list_history, next_parts
| line_ids | BIGINT[] | Halo's lines | seat_bills.line_ids |
| share_expected | DECIMAL(28,10) | Units that Halo should bill | seat_bills.share_expected, expected_seats.expected |
| billed | DECIMAL(28,10) | Units that Halo bills; empty when that cannot be told | seat_bills.billed |
| first_billed | DECIMAL(28,10) | Units on the first of several Halo invoices | seat_bills.first_billed |
| line_quantity | DECIMAL(28,10) | Units that the lines would bill now | seat_bills.line_quantity |
| billing_lines | BIGINT | Lines that bill something | seat_bills.billing_lines |
| is_bundle | BOOLEAN | A line is for several products | seat_bills.is_bundle |
| sharers | BIGINT | Subscriptions on its line | seat_bills.sharers |
| is_live | BOOLEAN | A line bills now | seat_bills.is_live |
| state | VARCHAR | How the month was billed, see line_bills | seat_bills.state |
| invoices | VARCHAR[] | Halo's invoices | seat_bills.invoices |
| bill_date | DATE | Date of the first | seat_bills.invoice_date |
| posted | BOOLEAN | One was sent to accounts | seat_bills.posted |
| halo_currency | VARCHAR | Currency in which Halo bills, where it says so | seat_bills.halo_currency,
  expected_seats.client_currency |
| bill_price | DECIMAL(28,10) | Halo's price per unit and period | seat_bills.bill_price |
| bill_cost | DECIMAL(28,10) | Halo's cost per unit and period | seat_bills.bill_cost |
| period_months | DECIMAL(18,6) | Months that these cover | seat_bills.period_months |
| billed_money | DECIMAL(28,10) | What Halo bills, a month | seat_bills.billed_money |
| cost_a_month | DECIMAL(28,10) | What Pax8 charges the partner for it, a month | expected_seats.cost,
  expected_seats.unit_cost, expected_seats.price_months |
| difference | DECIMAL(28,10) | Units billed too many, below 0 too few | seat_bills.billed, seat_bills.share_expected
  |
| pax8_a_month | DECIMAL(28,10) | Pax8's client price per unit and month | expected_seats.unit_price,
  expected_seats.price_months |
| halo_a_month | DECIMAL(28,10) | Halo's price per unit and month | seat_bills.bill_price, seat_bills.period_months |
| price_differs | BOOLEAN | Halo's price is not Pax8's, by half a cent or more | seat_bills.bill_price,
  expected_seats.unit_price |
| cost_differs | BOOLEAN | The same of the costs, where Halo has one | seat_bills.bill_cost, expected_seats.unit_cost
  |
| listed_then | DECIMAL(28,10) | Seats listed when the invoice was made, where known | list_history.listed_then |
| changed_later | BOOLEAN | Pax8's list changed after the invoice to what Halo bills | list_history.listed_since,
  expected_seats.invoiced |
| list_moved | BOOLEAN | Pax8's list is known to have changed after the invoice | list_history.listed_then,
  expected_seats.listed |
| pax8_parts | DECIMAL(28,10) | Seats that the next Pax8 invoice settles for a part of the month |
  next_parts.pax8_parts |
| halo_parts | DECIMAL(28,10) | Units that the next Halo invoice does | next_parts.halo_parts |
| pending_pro_rata | HUGEINT | Part periods that wait in Halo | seat_bills.pending_pro_rata |
*/
WITH joined AS (
  SELECT e.* REPLACE (coalesce(h.listed_in_month, e.listed) AS listed), b.* EXCLUDE (subscription_id, share_expected,
           halo_currency, invoice_date), b.invoice_date AS bill_date,
         coalesce(b.share_expected, e.expected) AS share_expected,
         coalesce(b.halo_currency, e.client_currency) AS halo_currency,
         h.listed_then, h.listed_since, p.pax8_parts, p.halo_parts,
         coalesce(b.bill_price::DECIMAL(18,6) * e.price_months, 0) AS halo_price,
         (coalesce(e.unit_price, 0)::DECIMAL(18,6) * b.period_months)::DECIMAL(36,12) AS pax8_price,
         coalesce(b.bill_cost::DECIMAL(18,6) * e.price_months, 0) AS halo_cost,
         (coalesce(e.unit_cost, 0)::DECIMAL(18,6) * b.period_months)::DECIMAL(36,12) AS pax8_cost
  FROM expected_seats e
  LEFT JOIN seat_bills b USING (subscription_id)
  LEFT JOIN list_history h USING (subscription_id)
  LEFT JOIN next_parts p USING (subscription_id)
)
SELECT * EXCLUDE (listed_since, halo_price, pax8_price, halo_cost, pax8_cost),
       CASE WHEN cost IS NOT NULL THEN meta.per_month(cost, coalesce(price_months, 1))
            WHEN basis = 'list' THEN meta.per_month(
              (expected::DECIMAL(18,6) * unit_cost::DECIMAL(18,6))::DECIMAL(28,10), price_months)
            ELSE 0 END::DECIMAL(28,10) AS cost_a_month,
       (billed - share_expected)::DECIMAL(28,10) AS difference,
       meta.per_month(unit_price, price_months)::DECIMAL(28,10) AS pax8_a_month,
       meta.per_month(bill_price, period_months)::DECIMAL(28,10) AS halo_a_month,
       -- Halo has cents: half a cent of its own period is rounding and no difference.
       coalesce(getvariable('compare_price') AND NOT is_bundle AND unit_price IS NOT NULL
                AND abs(halo_price - pax8_price) > 0.005 * price_months, false) AS price_differs,
       coalesce(getvariable('compare_cost') AND NOT is_bundle AND bill_cost <> 0 AND unit_cost <> 0
                AND abs(halo_cost - pax8_cost) > 0.005 * price_months, false) AS cost_differs,
       coalesce(listed_then = invoiced AND listed_then <> billed AND list_contains(listed_since, billed), false)
         AS changed_later,
       coalesce(listed_then = invoiced AND listed <> listed_then, false) AS list_moved
FROM joined
