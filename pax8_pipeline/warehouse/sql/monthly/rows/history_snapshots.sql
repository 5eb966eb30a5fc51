/* The snapshots in Pax8's history of each subscription whose history was read, with the days on which each was true. A
history is left out when its newest snapshot is not what Pax8 lists now (then it must be read again), and when the order
of its snapshots or a number cannot be known: nothing is guessed (docs/vendors/pax8.md#subscriptions).

key: subscription_id, place
reads: newest.pax8_subscription_history, staging.subscriptions
| subscription_id | VARCHAR | Pax8 subscription | pax8.subscription_history.payload |
| place | BIGINT | 1 is the oldest | pax8.subscription_history.payload |
| first_day | DATE | Day of the change that made it; of the oldest one the day from which Pax8 bills
  | pax8.subscription_history.payload, staging.subscriptions.start_date, staging.subscriptions.billing_start |
| last_day | DATE | Day of the next change; far ahead for the newest one | pax8.subscription_history.payload |
| quantity | DECIMAL(28,10) | Seats | pax8.subscription_history.payload |
| price | DECIMAL(28,10) | Client price per unit and term | pax8.subscription_history.payload |
| ended_on | DATE | First day without it, of a snapshot that was cancelled | pax8.subscription_history.payload |
*/
WITH sent AS (
  SELECT scope AS subscription_id, from_json(payload, '{"quantity":"VARCHAR","price":"VARCHAR","status":"VARCHAR",
           "endDate":"VARCHAR","updatedDate":"VARCHAR"}') AS j
  FROM newest.pax8_subscription_history
), typed AS (
  SELECT subscription_id, meta.exact(j.quantity) AS quantity, meta.num(j.price) AS price,
         meta.day(j.updatedDate) AS day,
         CASE WHEN lower(trim(j.status)) = 'cancelled' THEN meta.day(j.endDate) + 1 END AS ended_on,
         trim(coalesce(j.updatedDate, '')) = '' AS without_day,
         meta.bad_num('price', j.price) IS NOT NULL AS bad_price,
         -- Only for the order: the moment in UTC, of dates that end with Z or an offset.
         try_cast(replace(regexp_extract(j.updatedDate,
             '^\s*(\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?)?)', 1), 'T', ' ') AS TIMESTAMP)
           - to_minutes(coalesce(try_cast(regexp_extract(j.updatedDate, '([+-])\d\d:?\d\d\s*$', 1) || '1' AS INTEGER)
               * (60 * try_cast(regexp_extract(j.updatedDate, '[+-](\d\d):?\d\d\s*$', 1) AS INTEGER)
                  + try_cast(regexp_extract(j.updatedDate, '[+-]\d\d:?(\d\d)\s*$', 1) AS INTEGER)), 0)) AS moment
  FROM sent
), ordered AS (
  SELECT *, row_number() OVER (PARTITION BY subscription_id ORDER BY moment NULLS FIRST, quantity, price) AS place,
         lead(day) OVER in_order AS next_day, lead(subscription_id) OVER in_order IS NULL AS is_newest,
         -- Two different snapshots of one moment: which came first is not known.
         count(DISTINCT (quantity, price)) OVER (PARTITION BY subscription_id, moment) > 1
           OR quantity IS NULL OR bad_price OR (moment IS NULL AND NOT without_day) AS is_doubtful
  FROM typed WINDOW in_order AS (PARTITION BY subscription_id ORDER BY moment NULLS FIRST, quantity, price)
), usable AS (
  SELECT o.subscription_id FROM ordered o JOIN staging.subscriptions s USING (subscription_id)
  GROUP BY o.subscription_id
  HAVING NOT bool_or(o.is_doubtful) AND bool_and(s.problem IS NULL)
    AND bool_or(o.is_newest AND o.quantity = s.quantity AND o.price IS NOT DISTINCT FROM s.price)
)
SELECT o.subscription_id, o.place,
       CASE WHEN o.place > 1 THEN o.day ELSE coalesce(s.billing_start, s.start_date) END AS first_day,
       coalesce(o.next_day, '9999-12-31'::DATE) AS last_day, o.quantity, o.price, o.ended_on
FROM ordered o JOIN usable USING (subscription_id) JOIN staging.subscriptions s USING (subscription_id)
