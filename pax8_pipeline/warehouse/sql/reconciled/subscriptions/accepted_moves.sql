/* Subscriptions whose line or licence another one of the company carries on: the mapping file names it for the newer
one, and the older one is over. The line follows the newer one from its first day on, and stays as it is between the
two.

key: subscription_id
reads: with_line
| subscription_id | VARCHAR | The older subscription | with_line.subscription_id |
| moved_to | VARCHAR | The newer one | with_line.subscription_id |
*/
WITH known AS (
  SELECT *, coalesce(billing_start, start_date) AS first_day FROM with_line
  WHERE is_listed AND lifecycle NOT IN ('unreadable', 'unknown_status')
    AND coalesce(line_id, licence_id) IS NOT NULL
)
SELECT o.subscription_id, arg_max(n.subscription_id, (n.first_day, n.subscription_id)) AS moved_to
FROM known o
JOIN known n ON n.company_id = o.company_id AND n.subscription_id <> o.subscription_id AND n.mapped
  AND n.lifecycle <> 'trial'
  AND (n.licence_id = o.licence_id OR (n.line_id = o.line_id AND n.quantity_source = 'manual'))
  AND (n.first_day > o.first_day OR (n.first_day = o.first_day AND NOT coalesce(o.mapped, false)))
-- While the older one runs, only a newer one that runs too takes the line over.
WHERE o.lifecycle IN ('ended', 'ended_not_cancelled')
   OR (o.lifecycle IN ('pending_cancel', 'trial') AND n.lifecycle IN ('billing', 'pending_cancel'))
GROUP BY o.subscription_id
