/* Each subscription with the write that its verdict leads to, and what that moves for the client.

key: subscription_id
extends: reconciled.subscriptions
reads: reconciled.subscriptions
| action | VARCHAR | Kind of write, or none | reconciled.subscriptions.verdict, reconciled.subscriptions.quantity_source
  |
| moved | DECIMAL(29,10) | Billed units more or fewer | reconciled.subscriptions.billed_after,
  reconciled.subscriptions.billed_before |
| moved_money | DECIMAL(35,6) | The same in money a month | reconciled.subscriptions.billed_after,
  reconciled.subscriptions.billed_before, reconciled.subscriptions.unit_price |
*/
WITH with_action AS (
  SELECT *, CASE
      WHEN verdict IN ('increase', 'decrease', 'zero_quantity')
           OR (verdict = 'pending_cancel' AND quantity IS DISTINCT FROM halo_quantity)
        THEN CASE quantity_source WHEN 'licence' THEN 'set_licence_count' ELSE 'set_line_quantity' END
      WHEN verdict = 'cancel' AND quantity_source = 'licence' AND line_licences > 1 THEN 'end_licence'
      WHEN verdict = 'cancel' THEN 'end_line'
      ELSE 'none' END AS action,
    CASE WHEN coalesce(line_live, false) THEN billed_after - billed_before ELSE 0 END AS moved
  FROM reconciled.subscriptions
)
SELECT *, meta.per_month(moved * coalesce(unit_price, 0), period_months) AS moved_money FROM with_action
