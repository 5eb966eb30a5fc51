/* The subscriptions whose verdict says that something is wrong, each with the money that is at stake.

key: subscription_id
extends: reconciled.subscriptions
reads: reconciled.subscriptions, ambiguous_seats
| billed_now | DECIMAL(28,10) | Quantity that Halo bills today | reconciled.subscriptions.halo_quantity,
  reconciled.subscriptions.billed_before |
| units | DECIMAL(38,10) | Units that nobody is billed for (above 0) or that are billed too much
  | reconciled.subscriptions.quantity, ambiguous_seats.seats |
| stake | DECIMAL(38,9) | Money a month, with the sign of the units
  | reconciled.subscriptions.unbilled_money_per_month |
*/
WITH counted AS (
  SELECT s.*, a.seats, a.first_one, coalesce(a.licence_seats, 0)
           + CASE WHEN NOT coalesce(s.line_live, false) THEN 0
                  WHEN s.quantity_source = 'manual' THEN s.halo_quantity
                  WHEN s.licence_id IS NULL THEN s.billed_before ELSE 0 END AS halo_seats,
         CASE WHEN s.line_live THEN coalesce(s.halo_quantity, s.billed_before) ELSE 0 END AS billed_now
  FROM reconciled.subscriptions s LEFT JOIN ambiguous_seats a USING (subscription_id)
  WHERE s.verdict NOT IN ('in_step', 'increase', 'decrease', 'cancel', 'ended', 'moved', 'entry_waits', 'trial',
    'not_started', 'billed_by_pax8', 'metered', 'one_time')
), with_units AS (
  SELECT *, CASE
      WHEN verdict = 'ambiguous' THEN CASE WHEN first_one = subscription_id THEN seats - halo_seats ELSE 0 END
      WHEN NOT coalesce(line_live, false) THEN 0
      -- Another client is billed for it: all of it is too much there.
      WHEN verdict = 'client_mismatch' THEN -billed_now
      WHEN lifecycle IN ('ended', 'ended_not_cancelled')
        OR reason = wording('subscription_details', 'no_end_date') THEN -billed_now
      WHEN billed_before IS NOT NULL AND billed_after IS NOT NULL THEN billed_after - billed_before
      ELSE quantity - halo_quantity END AS units
  FROM counted
)
SELECT * EXCLUDE (seats, first_one, halo_seats), CASE
    WHEN unbilled_money_per_month <> 0 THEN unbilled_money_per_month
    WHEN verdict = 'currency_mismatch'
      THEN meta.per_month(quantity * price, coalesce(meta.term_months(billing_term), 1))
    WHEN NOT coalesce(line_live, false) AND verdict IN ('unknown_term', 'unknown_status') AND quantity > 0
         AND coalesce(price, 1) <> 0 THEN meta.per_month(quantity * price, meta.term_months(billing_term))
    WHEN units = 0 THEN 0
    ELSE meta.per_month(units * unit_price, period_months) END AS stake
FROM with_units
