/* What Pax8 listed around a month of the subscriptions whose seats differ now: by its history where that was read,
else by the reads that are kept in raw. A read belongs to the day of its run.

key: subscription_id
reads: expected_seats, seat_bills, what_was_read, history_seats, pax8.subscriptions, meta.snapshots, meta.clocks
| subscription_id | VARCHAR | Pax8 subscription | expected_seats.subscription_id |
| listed_then | DECIMAL(28,10) | Seats up to the day on which the invoice could be read
  | pax8.subscriptions.payload, history_seats.listed_then |
| listed_in_month | DECIMAL(28,10) | Seats at the end of the month | pax8.subscriptions.payload,
  history_seats.listed_in_month |
| listed_since | DECIMAL(28,10)[] | Seats after the invoice date | pax8.subscriptions.payload,
  history_seats.listed_since |
*/
WITH differing AS (
  SELECT e.subscription_id FROM expected_seats e LEFT JOIN seat_bills b USING (subscription_id)
  WHERE e.basis = 'invoice' AND (e.invoiced IS DISTINCT FROM e.listed OR b.billed IS DISTINCT FROM b.share_expected)
), days AS (
  SELECT s.snapshot_id, coalesce(c.today, s.loaded_at::DATE) AS day
  FROM meta.snapshots s
  LEFT JOIN (SELECT run_id, min(today) AS today FROM meta.clocks GROUP BY run_id) c USING (run_id)
  WHERE s.table_name = 'pax8.subscriptions' AND s.complete
), window_days AS (
  -- Pax8 makes an invoice on the 4th and shows it on the 5th (docs/vendors/pax8.md#invoices).
  SELECT d.snapshot_id, d.day, w.invoice_date, greatest(w.invoice_date, date_trunc('month', w.invoice_date)::DATE + 4)
           AS shown_on
  FROM days d CROSS JOIN what_was_read w
  WHERE d.day BETWEEN w.invoice_date - 7 AND last_day((getvariable('month') || '-01')::DATE) + 35
), listed AS (
  SELECT d.subscription_id, w.day, w.invoice_date, w.shown_on,
         meta.exact(json_extract_string(r.payload, '$.quantity')) AS quantity
  FROM pax8.subscriptions r
  JOIN window_days w USING (snapshot_id)
  JOIN differing d ON d.subscription_id = r.object_id
), by_lists AS (
  SELECT subscription_id, arg_max(quantity, day) FILTER (day <= shown_on) AS listed_then,
         arg_max(quantity, day) FILTER (day <= last_day(invoice_date)) AS listed_in_month,
         list_sort(list(DISTINCT quantity) FILTER (day > invoice_date AND quantity IS NOT NULL)) AS listed_since
  FROM listed GROUP BY subscription_id
)
SELECT d.subscription_id, coalesce(h.listed_then, l.listed_then) AS listed_then,
       coalesce(h.listed_in_month, l.listed_in_month) AS listed_in_month,
       coalesce(h.listed_since, l.listed_since) AS listed_since
FROM differing d LEFT JOIN history_seats h USING (subscription_id) LEFT JOIN by_lists l USING (subscription_id)
WHERE h.subscription_id IS NOT NULL OR l.subscription_id IS NOT NULL
