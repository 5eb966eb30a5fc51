/* How many seats of each subscription its client is to be billed in the month, and how that is known.

key: subscription_id
extends: month_subscriptions
reads: month_subscriptions, invoiced_seats, what_was_read
| invoiced | DECIMAL(28,10) | Seats on Pax8's invoices of the month | invoiced_seats.invoiced |
| total | DECIMAL(28,10) | Their client total | invoiced_seats.total |
| cost | DECIMAL(28,10) | What Pax8 invoices the partner for them | invoiced_seats.cost |
| unit_price | DECIMAL(28,10) | Client price per unit and term | invoiced_seats.unit_price, month_subscriptions.price
  |
| unit_cost | DECIMAL(28,10) | Cost per unit and term | invoiced_seats.unit_cost, month_subscriptions.partner_cost |
| price_months | INTEGER | Months that they cover | invoiced_seats.months, month_subscriptions.term_months |
| charged_currency | VARCHAR | Currency of the money | invoiced_seats.currency, month_subscriptions.currency |
| currencies | BIGINT | Currencies of the items | invoiced_seats.currencies |
| repeated | BOOLEAN | The same seats are invoiced more than once | invoiced_seats.repeated |
| credited | BOOLEAN | A credit is counted in | invoiced_seats.credited |
| items | VARCHAR[] | The items | invoiced_seats.items |
| basis | VARCHAR | by_pax8, trial, invoice, ended, list (the term is longer than a month: on an invoice only when it
  begins), no_term, not_started, metered or not_invoiced | invoiced_seats.invoiced, month_subscriptions.end_date,
  month_subscriptions.term_months, month_subscriptions.first_day |
| expected | DECIMAL(28,10) | Seats to be billed | invoiced_seats.invoiced, month_subscriptions.listed |
*/
WITH with_basis AS (
  SELECT s.*, i.invoiced, i.total, i.cost, coalesce(i.unit_price, s.price) AS unit_price,
         coalesce(i.unit_cost, s.partner_cost) AS unit_cost, coalesce(i.months, s.term_months) AS price_months,
         coalesce(i.currency, s.currency) AS charged_currency, i.currencies, coalesce(i.repeated, false) AS repeated,
         coalesce(i.credited, false) AS credited, i.items,
         CASE WHEN s.bill_on_behalf OR coalesce(i.by_pax8, false) THEN 'by_pax8'
              WHEN i.is_trial OR (s.is_trial AND i.invoiced IS NULL) THEN 'trial'
              WHEN i.invoiced IS NOT NULL THEN 'invoice'
              WHEN s.end_date < (getvariable('month') || '-01')::DATE THEN 'ended'
              WHEN s.first_day > coalesce(w.invoice_date, last_day((getvariable('month') || '-01')::DATE))
                THEN 'not_started'
              WHEN s.term_months > 1 THEN 'list'
              WHEN s.term_months IS NULL THEN 'no_term'
              WHEN s.is_metered AND coalesce(s.price, 0) = 0 THEN 'metered'
              ELSE 'not_invoiced' END AS basis
  FROM month_subscriptions s
  LEFT JOIN invoiced_seats i USING (subscription_id)
  CROSS JOIN what_was_read w
)
SELECT *, CASE basis WHEN 'invoice' THEN invoiced WHEN 'list' THEN listed ELSE 0 END::DECIMAL(28,10) AS expected
FROM with_basis
