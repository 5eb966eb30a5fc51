/* What Pax8's lists of the time around a month showed of the subscriptions whose seats differ now: from the reads
that are
kept in raw. A read belongs to the day of its run.

key: subscription_id
reads: expected_seats, seat_bills, what_was_read, pax8.subscriptions, meta.snapshots, meta.clocks
| subscription_id | VARCHAR | Pax8 subscription | expected_seats.subscription_id |
| listed_then | DECIMAL(28,10) | Seats in the last list up to the day on which the invoice could be read
  | pax8.subscriptions.payload |
| listed_in_month | DECIMAL(28,10) | Seats in the last list of the month | pax8.subscriptions.payload |
| listed_since | DECIMAL(28,10)[] | Seats in the lists after the invoice date | pax8.subscriptions.payload |
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
)
SELECT subscription_id, arg_max(quantity, day) FILTER (day <= shown_on) AS listed_then,
       arg_max(quantity, day) FILTER (day <= last_day(invoice_date)) AS listed_in_month,
       list_sort(list(DISTINCT quantity) FILTER (day > invoice_date AND quantity IS NOT NULL)) AS listed_since
FROM listed GROUP BY subscription_id
