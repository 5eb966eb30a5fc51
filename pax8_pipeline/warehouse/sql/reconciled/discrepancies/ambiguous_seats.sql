/* Subscriptions that nobody can tell apart: their seats are counted together, on the first of them.

key: subscription_id
reads: reconciled.subscriptions, reconciled.licence_keys, staging.licences, staging.line_licences,
  staging.recurring_invoice_lines
| subscription_id | VARCHAR | Pax8 subscription | reconciled.subscriptions.subscription_id |
| first_one | VARCHAR | The first of those that it cannot be told from | reconciled.subscriptions.subscription_id |
| seats | DECIMAL(38,10) | What Pax8 bills of all of them | reconciled.subscriptions.quantity |
| licence_seats | HUGEINT | What Halo bills of it by licence | staging.licences.count |
*/
WITH carriers AS (
  SELECT licence_id, subscription_id, count FROM staging.licences
  UNION ALL
  SELECT c.licence_id, v.subscription_id, c.count
  FROM reconciled.licence_keys v JOIN staging.licences c USING (licence_id) WHERE v.matched_by = 'vendor_id'
), pairs AS (
  -- What Halo bills by licence, once for every live line that follows it.
  SELECT c.licence_id, l.line_id, c.subscription_id, c.count FROM carriers c
  JOIN staging.line_licences k USING (licence_id) JOIN staging.recurring_invoice_lines l USING (line_id)
  WHERE l.is_live
), ambiguous AS (
  SELECT subscription_id, licence_id, CASE WHEN quantity_source = 'manual' THEN line_id END AS manual_line,
         CASE WHEN lifecycle = 'ended' THEN 0 ELSE quantity END AS seats
  FROM reconciled.subscriptions WHERE verdict = 'ambiguous'
), neighbours AS (
  SELECT subscription_id, subscription_id AS other FROM ambiguous
  UNION SELECT a.subscription_id, b.subscription_id FROM ambiguous a JOIN ambiguous b USING (licence_id)
  UNION SELECT a.subscription_id, b.subscription_id FROM ambiguous a JOIN ambiguous b USING (manual_line)
), combined AS (
  SELECT t.subscription_id, min(t.other) AS first_one, sum(a.seats) AS seats
  FROM neighbours t JOIN ambiguous a ON a.subscription_id = t.other GROUP BY t.subscription_id
), billed AS (
  SELECT a.subscription_id, p.licence_id, p.line_id, p.count FROM ambiguous a JOIN pairs p USING (licence_id)
  UNION SELECT a.subscription_id, p.licence_id, p.line_id, p.count FROM ambiguous a JOIN pairs p USING (subscription_id)
), by_licence AS (
  SELECT subscription_id, sum(count) AS licence_seats FROM billed GROUP BY subscription_id
)
SELECT subscription_id, first_one, seats, licence_seats FROM combined LEFT JOIN by_licence USING (subscription_id)
