/* Whether Pax8's history explains the part periods of a subscription: those on Pax8's invoice by a change of as many
seats on the day on which they begin, or those of Halo alone by a change that Pax8 charges on its next invoice.

key: subscription_id
reads: monthly.items, history_changes, history_snapshots
| subscription_id | VARCHAR | Pax8 subscription whose history was read | history_snapshots.subscription_id |
| is_explained | BOOLEAN | Every part period on Pax8's invoice has its change; empty where there is none
  | monthly.items.start_period, monthly.items.quantity, history_changes.changed_on |
| coming | DECIMAL(28,10) | Seats by which it changed since the first day of the month: on Pax8's next invoice
  | history_changes.new_quantity, history_changes.old_quantity |
| changed_on | DATE | Day of the newest change that explains a part period | history_changes.changed_on |
| old_quantity | DECIMAL(28,10) | Seats before it | history_changes.old_quantity |
| new_quantity | DECIMAL(28,10) | Seats after it | history_changes.new_quantity |
| coming_on | DATE | Day of the newest change since the first day of the month | history_changes.changed_on |
| coming_from | DECIMAL(28,10) | Seats before it | history_changes.old_quantity |
| coming_to | DECIMAL(28,10) | Seats after it | history_changes.new_quantity |
*/
WITH month AS (
  SELECT (getvariable('month') || '-01')::DATE AS first_day
), charged AS (
  SELECT subscription_id, start_period, sum(quantity) AS quantity
  FROM monthly.items WHERE month = getvariable('month') AND kind = 'pro_rata' AND unexplained IS NULL
  GROUP BY subscription_id, start_period
), beside AS (
  -- A day more or less is a matter of time zones. One item may stand for the later changes of its month too.
  SELECT c.subscription_id, c.start_period, c.quantity, h.changed_on, h.old_quantity, h.new_quantity,
         abs(date_diff('day', c.start_period, h.changed_on)) <= 1 AS is_near
  FROM charged c
  JOIN history_changes h ON h.subscription_id = c.subscription_id
    AND h.changed_on BETWEEN c.start_period - 1 AND last_day(c.start_period)
), items AS (
  SELECT c.subscription_id, c.start_period,
         coalesce(bool_or(b.is_near), false)
           AND c.quantity IN (sum(b.new_quantity - b.old_quantity) FILTER (b.is_near),
                              sum(b.new_quantity - b.old_quantity)) AS is_explained,
         max(b.changed_on) FILTER (b.is_near) AS changed_on,
         arg_max(b.old_quantity, b.changed_on) FILTER (b.is_near) AS old_quantity,
         arg_max(b.new_quantity, b.changed_on) FILTER (b.is_near) AS new_quantity
  FROM charged c LEFT JOIN beside b USING (subscription_id, start_period)
  GROUP BY c.subscription_id, c.start_period, c.quantity
), explained AS (
  SELECT subscription_id, bool_and(coalesce(is_explained, false)) AS is_explained, max(changed_on) AS changed_on,
         arg_max(old_quantity, changed_on) AS old_quantity, arg_max(new_quantity, changed_on) AS new_quantity
  FROM items GROUP BY subscription_id
), coming AS (
  SELECT h.subscription_id, sum(h.new_quantity - h.old_quantity) AS quantity, max(h.changed_on) AS changed_on,
         arg_max(h.old_quantity, h.changed_on) AS old_quantity, arg_max(h.new_quantity, h.changed_on) AS new_quantity
  FROM history_changes h JOIN month m ON h.changed_on BETWEEN m.first_day AND last_day(m.first_day)
  GROUP BY h.subscription_id
)
SELECT r.subscription_id, e.is_explained, c.quantity::DECIMAL(28,10) AS coming, e.changed_on, e.old_quantity,
       e.new_quantity, c.changed_on AS coming_on, c.old_quantity AS coming_from, c.new_quantity AS coming_to
FROM (SELECT DISTINCT subscription_id FROM history_snapshots) r
LEFT JOIN explained e USING (subscription_id) LEFT JOIN coming c USING (subscription_id)
