/* What each line bills for each of its subscriptions, and what it should. A line that follows licences bills their
sum,
less free units, at least a minimum. A manual line of several products is a bundle: it bills each product as often as
the bundle. What a line bills too much or too little is shown at the subscription whose licence differs the most.

key: line_id, subscription_id
reads: line_subscriptions, line_bills, expected_seats
| line_id | BIGINT | Halo line | line_bills.line_id |
| subscription_id | VARCHAR | Pax8 subscription | line_subscriptions.subscription_id |
| is_bundle | BOOLEAN | The line is for several products | expected_seats.product_id |
| sharers | BIGINT | Subscriptions of the line that are billed | line_subscriptions.subscription_id |
| share_expected | DECIMAL(28,10) | Units that it should bill for this one | expected_seats.expected,
  line_bills.qty_free, line_bills.minimum_qty |
| share_billed | DECIMAL(28,10) | Units that it bills for it; empty when that cannot be told | line_bills.billed |
| money_share | DECIMAL(28,10) | Of these, the units that its money is counted for: of a bundle, one product's
  | line_bills.billed |
*/
WITH linked AS (
  SELECT k.line_id, k.subscription_id, e.expected, e.product_id, e.licence_count, b.is_manual, b.billed, b.qty_free,
         b.minimum_qty, e.basis IN ('invoice', 'list') AND e.expected > 0 AS is_billed
  FROM line_subscriptions k JOIN line_bills b USING (line_id) JOIN expected_seats e USING (subscription_id)
), counted AS (
  SELECT *, count(*) FILTER (is_billed) OVER on_line AS sharers,
         is_manual AND count(DISTINCT product_id) FILTER (is_billed) OVER on_line > 1 AS is_bundle
  FROM linked WINDOW on_line AS (PARTITION BY line_id)
), units AS (
  -- Of the subscriptions on a line, those that are billed share it; without any the first one answers for it.
  SELECT *, CASE WHEN is_bundle THEN coalesce(product_id, '') ELSE '' END AS unit FROM counted
), ranked AS (
  SELECT *, sum(expected) OVER in_unit AS expected_sum, count(*) FILTER (is_billed) OVER in_unit AS unit_sharers,
         row_number() OVER (PARTITION BY line_id, unit ORDER BY is_billed DESC,
           abs(licence_count - expected) DESC NULLS LAST, expected DESC, subscription_id) AS place,
         row_number() OVER (PARTITION BY line_id ORDER BY is_billed DESC, unit, subscription_id) AS place_on_line
  FROM units WINDOW in_unit AS (PARTITION BY line_id, unit)
), due AS (
  SELECT *, CASE WHEN expected_sum = 0 THEN 0 WHEN is_manual THEN expected_sum
                 ELSE greatest(expected_sum - coalesce(qty_free, 0), coalesce(minimum_qty, 0), 0) END AS line_expected
  FROM ranked
)
SELECT line_id, subscription_id, is_bundle, sharers,
       CASE WHEN unit_sharers <= 1 AND place = 1 THEN line_expected ELSE expected END::DECIMAL(28,10) AS share_expected,
       CASE WHEN unit_sharers <= 1 THEN CASE WHEN place = 1 THEN billed ELSE 0 END
            WHEN place = 1 THEN expected + billed - line_expected
            WHEN billed IS NOT NULL THEN expected END::DECIMAL(28,10) AS share_billed,
       CASE WHEN is_bundle THEN CASE WHEN place_on_line = 1 THEN billed ELSE 0 END
            WHEN unit_sharers <= 1 THEN CASE WHEN place = 1 THEN billed ELSE 0 END
            WHEN place = 1 THEN expected + billed - line_expected
            WHEN billed IS NOT NULL THEN expected END::DECIMAL(28,10) AS money_share
FROM due
