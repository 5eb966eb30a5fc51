/* Lines whose price is not the one that the policy asks for (policy.yaml, prices). Only where the quantity is in
step: a line is sent whole, so it is written for one reason at a time.

key: row_id
reads: reconciled.prices, reconciled.subscriptions, freeze_windows
| row_id | VARCHAR | Row of the plan | reconciled.prices.subscription_id |
| subscription_id | VARCHAR | Pax8 subscription | reconciled.prices.subscription_id |
| wanted_price | DECIMAL(28,10) | Price for the line's period that the policy asks for
  | reconciled.prices.wanted_price |
| price_change | DECIMAL(28,10) | How much more that is than the line's price | reconciled.prices.wanted_price,
  reconciled.prices.line_price |
| moved_money | DECIMAL(35,6) | The same for all units, a month | reconciled.prices.units |
| goes_on_date | DATE | First day after the freeze window in which today is | freeze_windows.goes_on_date |
*/
SELECT 'price of ' || p.subscription_id AS row_id, p.subscription_id, p.wanted_price,
       (p.wanted_price - p.line_price)::DECIMAL(28,10) AS price_change,
       meta.per_month((p.units::DECIMAL(18,6) * (p.wanted_price - p.line_price)::DECIMAL(18,6))::DECIMAL(28,6),
                      p.period_months) AS moved_money, f.goes_on_date
FROM reconciled.prices p
JOIN reconciled.subscriptions s USING (subscription_id)
LEFT JOIN freeze_windows f ON f.recurring_invoice_id = p.recurring_invoice_id
WHERE getvariable('price_updates') = 'propose' AND p.verdict = 'in_step' AND p.is_own_price
  AND s.quantity_source IN ('manual', 'licence') AND p.wanted_price > 0
  -- Halo has cents: half a cent is rounding and no difference.
  AND abs(p.wanted_price - p.line_price) >= 0.005
