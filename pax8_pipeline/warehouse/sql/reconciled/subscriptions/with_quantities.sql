/* Each subscription with the quantity that Halo bills for it, before and after it is in step, and whether another
subscription points at the same licence or line.

key: subscription_id
extends: with_line
reads: with_line, unread_links, accepted_moves
| halo_quantity | DECIMAL(28,10) | Quantity in Halo that it sets | with_line.licence_count, with_line.qty_order |
| billed_before | DECIMAL(28,10) | Quantity that the line bills now | with_line.count_sum, with_line.qty_free,
  with_line.minimum_qty, with_line.qty_order |
| billed_after | DECIMAL(28,10) | Quantity that the line would bill in step | with_line.quantity, with_line.count_sum,
  with_line.licence_count, with_line.qty_free, with_line.minimum_qty |
| target_shared | BOOLEAN | Another subscription points at its licence or line | with_line.licence_id, with_line.line_id
  |
| shares_unreadable | BOOLEAN | One that cannot be read does | with_line.licence_id, with_line.line_id |
| moved_to | VARCHAR | The subscription that carries its line on | accepted_moves.moved_to |
| open_line | VARCHAR | A line that cannot be read and may follow its licence | unread_links.open_line |
| open_licence | VARCHAR | A licence that cannot be read and may stand for it | unread_links.open_licence |
*/
WITH claims AS (
  -- Two subscriptions that would write one thing fight each other for ever. Ended ones count as long as they still
  -- have something to switch off, and those of which it cannot be told whether they bill. One that
  -- moved claims nothing.
  SELECT *, lifecycle NOT IN ('trial', 'not_started') AND moved_to IS NULL AS claims,
         lifecycle = 'unreadable' AS is_unreadable,
         CASE WHEN quantity_source = 'manual' THEN line_id END AS manual_line
  FROM with_line LEFT JOIN accepted_moves USING (subscription_id)
), on_licences AS (
  SELECT licence_id, count(*) FILTER (claims) AS claims, count(*) FILTER (is_unreadable) AS unreadable
  FROM claims WHERE licence_id IS NOT NULL GROUP BY licence_id
), on_lines AS (
  SELECT manual_line, count(*) FILTER (claims) AS claims, count(*) FILTER (is_unreadable) AS unreadable
  FROM claims WHERE manual_line IS NOT NULL GROUP BY manual_line
)
SELECT s.* EXCLUDE (claims, is_unreadable, manual_line),
       CASE quantity_source WHEN 'licence' THEN licence_count::DECIMAL(28,10) WHEN 'manual' THEN qty_order
       END AS halo_quantity,
       CASE quantity_source WHEN 'licence' THEN greatest(count_sum - qty_free, minimum_qty, 0)
                            WHEN 'manual' THEN qty_order END::DECIMAL(28,10) AS billed_before,
       CASE WHEN lifecycle = 'ended' AND quantity_source = 'licence' AND line_licences > 1
              THEN greatest(count_sum - licence_count - qty_free, minimum_qty, 0)
            WHEN lifecycle = 'ended' THEN 0
            WHEN quantity_source = 'licence'
              THEN greatest(count_sum - licence_count + quantity - qty_free, minimum_qty, 0)
            WHEN quantity_source = 'manual' THEN quantity END::DECIMAL(28,10) AS billed_after,
       coalesce(c.claims > 1, false) OR coalesce(n.claims > 1, false) AS target_shared,
       coalesce(c.unreadable > 0, false) OR coalesce(n.unreadable > 0, false) AS shares_unreadable,
       u.open_line, u.open_licence
FROM claims s
LEFT JOIN on_licences c USING (licence_id)
LEFT JOIN on_lines n USING (manual_line)
LEFT JOIN unread_links u USING (subscription_id)
