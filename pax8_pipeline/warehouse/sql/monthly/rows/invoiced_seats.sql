/* The seats of each subscription on the Pax8 invoices of the month; credits of the same subscription are counted in.

key: subscription_id
reads: monthly.items
| subscription_id | VARCHAR | Pax8 subscription | monthly.items.subscription_id |
| invoiced | DECIMAL(28,10) | Seats, less what was credited | monthly.items.quantity |
| total | DECIMAL(28,10) | Client total | monthly.items.total |
| cost | DECIMAL(28,10) | What Pax8 invoices the partner | monthly.items.cost |
| unit_price | DECIMAL(28,10) | Client price per unit and term, to six places | monthly.items.total,
  monthly.items.quantity |
| unit_cost | DECIMAL(28,10) | Cost per unit and term, to six places | monthly.items.cost, monthly.items.quantity |
| months | INTEGER | Months that the price covers | monthly.items.term_months |
| currencies | BIGINT | Currencies of the items | monthly.items.currency |
| currency | VARCHAR | One of them | monthly.items.currency |
| repeated | BOOLEAN | The same seats for the same days stand there more than once | monthly.items.start_period |
| credited | BOOLEAN | A credit is counted in | monthly.items.kind |
| is_trial | BOOLEAN | A trial | monthly.items.kind |
| by_pax8 | BOOLEAN | Pax8 bills the company itself | monthly.items.billed_by_pax8 |
| items | VARCHAR[] | The items, invoice/item | monthly.items.invoice_id, monthly.items.item_no |
*/
WITH items AS (
  SELECT *, kind IN ('seats', 'trial') AS is_seats,
         count(*) FILTER (kind = 'seats' AND quantity > 0)
           OVER (PARTITION BY subscription_id, start_period, quantity) AS same_seats
  FROM monthly.items
  WHERE month = getvariable('month') AND starts_with(row_id, 'seats:') AND unexplained IS NULL
), summed AS (
  -- The credit of an amount has no seats; what it is for is seen in the money.
  SELECT subscription_id, sum(quantity) FILTER (is_seats OR quantity < 0) AS invoiced,
         sum(total) AS total, sum(cost) AS cost, sum(total) FILTER (is_seats) AS seat_total,
         sum(cost) FILTER (is_seats) AS seat_cost, sum(quantity) FILTER (is_seats) AS seats,
         max(term_months) AS months, count(DISTINCT currency) AS currencies, min(currency) AS currency,
         max(same_seats) > 1 AS repeated, bool_or(kind = 'credit') AS credited, bool_and(kind = 'trial') AS is_trial,
         bool_or(billed_by_pax8) AS by_pax8, list_sort(list(invoice_id || '/' || item_no)) AS items,
         count(*) FILTER (is_seats) AS seat_items
  FROM items GROUP BY subscription_id
)
SELECT subscription_id, CASE WHEN seat_items > 0 THEN invoiced END::DECIMAL(28,10) AS invoiced,
       total::DECIMAL(28,10) AS total, cost::DECIMAL(28,10) AS cost,
       CASE WHEN seats > 0 THEN meta.per_month(seat_total, seats) END::DECIMAL(28,10) AS unit_price,
       CASE WHEN seats > 0 THEN meta.per_month(seat_cost, seats) END::DECIMAL(28,10) AS unit_cost,
       months, currencies, currency, repeated, credited, is_trial, by_pax8, items
FROM summed
