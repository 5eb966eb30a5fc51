/* The change in Pax8's history that a difference of seats or prices may come from, of the subscriptions whose history
was read.

key: subscription_id
reads: history_changes, history_snapshots, seats_compared, what_was_read
| subscription_id | VARCHAR | Pax8 subscription whose history was read | history_snapshots.subscription_id |
| changed_on | DATE | Day of the newest change to the seats that Halo bills, else of the newest change since the month
  before; empty without one | history_changes.changed_on |
| old_quantity | DECIMAL(28,10) | Seats before it | history_changes.old_quantity |
| new_quantity | DECIMAL(28,10) | Seats after it | history_changes.new_quantity |
| price_changed_on | DATE | Day of the newest change of the price | history_changes.changed_on |
| old_price | DECIMAL(28,10) | Price before it | history_changes.old_price |
| new_price | DECIMAL(28,10) | Price after it | history_changes.new_price |
| price_shown | BOOLEAN | History shows the price of Pax8's invoice around its date | history_snapshots.price,
  seats_compared.unit_price |
| bills_old_price | BOOLEAN | Halo bills the price from before that change | history_changes.old_price,
  seats_compared.halo_a_month |
*/
WITH month AS (
  SELECT (getvariable('month') || '-01')::DATE AS first_day
), seat_changes AS (
  SELECT h.subscription_id, h.changed_on, h.old_quantity, h.new_quantity
  FROM history_changes h JOIN seats_compared s USING (subscription_id) CROSS JOIN month m
  WHERE h.old_quantity <> h.new_quantity AND h.changed_on >= m.first_day - INTERVAL 1 MONTH
  QUALIFY row_number() OVER (PARTITION BY h.subscription_id
            ORDER BY coalesce(h.new_quantity = s.billed, false) DESC, h.changed_on DESC) = 1
), price_changes AS (
  SELECT subscription_id, changed_on, old_price, new_price
  FROM history_changes WHERE old_price IS NOT NULL AND old_price IS DISTINCT FROM new_price
  QUALIFY row_number() OVER (PARTITION BY subscription_id ORDER BY changed_on DESC) = 1
), prices AS (
  SELECT h.subscription_id,
         coalesce(bool_or(abs(h.price - s.unit_price) <= 0.005 AND h.last_day >= w.invoice_date AND
           h.first_day <= greatest(w.invoice_date, date_trunc('month', w.invoice_date)::DATE + 4)), false)
           AS price_shown
  FROM history_snapshots h JOIN seats_compared s USING (subscription_id) CROSS JOIN what_was_read w
  GROUP BY h.subscription_id
)
SELECT p.subscription_id, q.changed_on, q.old_quantity, q.new_quantity, c.changed_on AS price_changed_on, c.old_price,
       c.new_price, p.price_shown,
       coalesce(abs(meta.per_month(c.old_price, s.price_months) - s.halo_a_month) <= 0.005, false) AS bills_old_price
FROM prices p JOIN seats_compared s USING (subscription_id)
LEFT JOIN seat_changes q USING (subscription_id) LEFT JOIN price_changes c USING (subscription_id)
