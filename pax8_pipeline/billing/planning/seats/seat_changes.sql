/* Each subscription with the write that its verdict leads to, what that moves for the client, and what makes it wait
because of the recurring invoice's dates.

key: subscription_id
extends: reconciled.subscriptions
reads: reconciled.subscriptions, reconciled.moves, freeze_windows, part_periods, staging.line_licences
| action | VARCHAR | Kind of write, or none | reconciled.subscriptions.verdict, reconciled.subscriptions.quantity_source
  |
| moved | DECIMAL(29,10) | Billed units more or fewer | reconciled.subscriptions.billed_after,
  reconciled.subscriptions.billed_before |
| creation_date | DATE | Day on which Halo makes the invoice in whose freeze window today is
  | freeze_windows.creation_date |
| goes_on_date | DATE | First day after that window | freeze_windows.goes_on_date |
| days_left | BIGINT | Days of the period for which Halo adds a part-period entry, empty when it adds none
  | part_periods.days_left, staging.line_licences.pro_rata |
| days_of_period | BIGINT | Days of the whole period | part_periods.days_of_period |
| moves_to | VARCHAR | Subscription that seems to carry its line on | reconciled.moves.new_subscription_id |
| move_score | INTEGER | How well the two fit, 0 to 100 | reconciled.moves.score |
| moved_money | DECIMAL(35,6) | Billed units more or fewer in money a month | reconciled.subscriptions.billed_after,
  reconciled.subscriptions.billed_before, reconciled.subscriptions.unit_price |
| pro_rata_money | DECIMAL(18,2) | About what that entry will charge once | reconciled.subscriptions.unit_price,
  part_periods.days_left |
*/
WITH with_action AS (
  SELECT s.*, p.days_left AS days_ahead, p.days_of_period AS days_of_invoice, CASE
      -- Halo adds the seats of an entry to the line when it makes the next invoice, so there must be one to come.
      WHEN verdict IN ('increase', 'decrease') AND quantity_source = 'manual' AND line_live
           AND getvariable('manual_pro_rata') = 'entry' AND p.days_left IS NOT NULL
           AND (verdict = 'increase' OR getvariable('negative_pro_rata')) THEN 'add_pro_rata_entry'
      WHEN verdict IN ('increase', 'decrease', 'zero_quantity')
           OR (verdict = 'pending_cancel' AND quantity IS DISTINCT FROM halo_quantity)
        THEN CASE quantity_source WHEN 'licence' THEN 'set_licence_count' ELSE 'set_line_quantity' END
      WHEN verdict = 'cancel' AND quantity_source = 'licence' AND line_licences > 1 THEN 'end_licence'
      WHEN verdict = 'cancel' THEN 'end_line'
      ELSE 'none' END AS action,
    CASE WHEN coalesce(line_live, false) THEN billed_after - billed_before ELSE 0 END AS moved
  FROM reconciled.subscriptions s LEFT JOIN part_periods p USING (recurring_invoice_id)
), with_dates AS (
  SELECT c.* EXCLUDE (days_ahead, days_of_invoice), f.creation_date, f.goes_on_date,
         m.new_subscription_id AS moves_to, m.score AS move_score,
         -- Halo adds entries for counts of licences alone: a quantity that is typed in gets none.
         CASE WHEN (k.pro_rata OR action = 'add_pro_rata_entry') AND moved <> 0 THEN days_ahead END AS days_left,
         CASE WHEN (k.pro_rata OR action = 'add_pro_rata_entry') AND moved <> 0 THEN days_of_invoice
         END AS days_of_period
  FROM with_action c
  LEFT JOIN freeze_windows f ON f.recurring_invoice_id = c.recurring_invoice_id AND c.action <> 'none'
  LEFT JOIN reconciled.moves m ON m.old_subscription_id = c.subscription_id
    AND m.score >= getvariable('move_score')
  LEFT JOIN staging.line_licences k ON k.line_id = c.line_id AND k.licence_id = c.licence_id
    AND c.action IN ('set_licence_count', 'end_licence')
)
SELECT *, meta.per_month(moved * coalesce(unit_price, 0), period_months) AS moved_money,
       -- Whole numbers: DuckDB divides decimals as doubles.
       round((round(moved * unit_price * 1000000)::HUGEINT * days_left // days_of_period)::DECIMAL(28,0) * 0.000001,
             2)::DECIMAL(18,2) AS pro_rata_money
FROM with_dates
