/* What changed in Pax8's history of a subscription, by day: from no seats to the first ones, from one number of seats
or price to the next, and to none when it ended.

key: subscription_id, changed_on
reads: history_snapshots
| subscription_id | VARCHAR | Pax8 subscription | history_snapshots.subscription_id |
| changed_on | DATE | Day of the change | history_snapshots.first_day, history_snapshots.ended_on |
| old_quantity | DECIMAL(28,10) | Seats before that day | history_snapshots.quantity |
| new_quantity | DECIMAL(28,10) | Seats after that day | history_snapshots.quantity |
| old_price | DECIMAL(28,10) | Price before; empty where it begins | history_snapshots.price |
| new_price | DECIMAL(28,10) | Price after | history_snapshots.price |
*/
WITH states AS (
  SELECT subscription_id, coalesce(ended_on, first_day) AS day, place, price,
         CASE WHEN ended_on IS NOT NULL THEN 0 ELSE quantity END AS quantity
  FROM history_snapshots
), steps AS (
  SELECT *, lag(quantity, 1, 0) OVER in_order AS old_quantity, lag(price) OVER in_order AS old_price
  FROM states WINDOW in_order AS (PARTITION BY subscription_id ORDER BY place)
)
SELECT subscription_id, day AS changed_on, arg_min(old_quantity, place)::DECIMAL(28,10) AS old_quantity,
       arg_max(quantity, place)::DECIMAL(28,10) AS new_quantity,
       -- arg_min passes over empty values: the price before is that of the first step of the day.
       CASE WHEN min(place) > 1 THEN arg_min(old_price, place) END AS old_price, arg_max(price, place) AS new_price
FROM steps WHERE day IS NOT NULL
GROUP BY subscription_id, day
HAVING arg_min(old_quantity, place) <> arg_max(quantity, place)
  OR (min(place) > 1 AND arg_min(old_price, place) IS DISTINCT FROM arg_max(price, place))
