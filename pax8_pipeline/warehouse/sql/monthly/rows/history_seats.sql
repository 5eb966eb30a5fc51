/* What Pax8's history shows of the seats around a month's invoice, of the subscriptions whose history was read.

key: subscription_id
reads: history_snapshots, expected_seats, what_was_read
| subscription_id | VARCHAR | Pax8 subscription | history_snapshots.subscription_id |
| listed_then | DECIMAL(28,10) | The seats of the invoice when they were right on some day from its date to that on
  which it was shown; else those of the last of these days | history_snapshots.quantity, expected_seats.invoiced |
| listed_in_month | DECIMAL(28,10) | Seats at the end of the month, or now | history_snapshots.quantity |
| listed_since | DECIMAL(28,10)[] | Seats after the invoice date | history_snapshots.quantity |
*/
WITH dates AS (
  -- Pax8 makes an invoice on the 4th and shows it on the 5th (docs/vendors/pax8.md#invoices).
  SELECT invoice_date, greatest(invoice_date, date_trunc('month', invoice_date)::DATE + 4) AS shown_on,
         last_day(invoice_date) AS month_end
  FROM what_was_read WHERE invoice_date IS NOT NULL
)
SELECT h.subscription_id,
       coalesce(max(h.quantity) FILTER (h.quantity = e.invoiced AND h.first_day <= d.shown_on
                                        AND h.last_day >= d.invoice_date),
                arg_max(h.quantity, h.place) FILTER (h.first_day <= d.shown_on)) AS listed_then,
       arg_max(h.quantity, h.place) FILTER (h.first_day <= d.month_end) AS listed_in_month,
       list_sort(list(DISTINCT h.quantity) FILTER (h.last_day > d.invoice_date)) AS listed_since
FROM history_snapshots h JOIN expected_seats e USING (subscription_id) CROSS JOIN dates d
GROUP BY h.subscription_id
