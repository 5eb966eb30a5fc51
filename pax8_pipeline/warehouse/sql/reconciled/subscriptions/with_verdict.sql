/* Each subscription with its verdict (billing/verdicts.py): what its dates decide, else what the first fault decides,
else what its quantity decides. `detail` names a text of warehouse/wording.py.

key: subscription_id
extends: with_fault
reads: with_fault
| found | STRUCT(verdict VARCHAR, detail VARCHAR) | The verdict and what more there is to say
  | with_fault.lifecycle, with_fault.fault, with_fault.line_fault, with_fault.quantity, with_fault.halo_quantity |
*/
WITH ended AS (
  -- Cancelled, and its end date is over: is anything left to switch off?
  SELECT subscription_id, CASE
      WHEN licence_id IS NULL AND line_id IS NULL AND NOT coalesce(mapped, false) AND NOT two_licences
           AND licence_problem IS NULL AND match_problem IS NULL THEN {'verdict': 'ended', 'detail': NULL}
      WHEN fault.verdict IN ('unreadable', 'shares_unreadable') OR conflict_is_on THEN fault
      -- Nothing is left on: Halo's own setting or an earlier run did it, which counts as done.
      WHEN line_id IS NULL AND licence_id IS NOT NULL AND NOT two_licences
        THEN {'verdict': 'ended', 'detail': 'no_line_follows'}
      WHEN (NOT is_live AND NOT coalesce(licence_active, false) AND live_lines = 0)
           OR (line_inactive AND licence_id IS NULL)
           OR (line_licences > 1 AND licence_count = 0 AND NOT licence_active) THEN {'verdict': 'ended', 'detail': NULL}
      WHEN fault IS NOT NULL THEN fault
      WHEN line_fault IS NOT NULL THEN line_fault
      WHEN NOT list_contains(getvariable('known_terms')::VARCHAR[], coalesce(lower(billing_term), ''))
        THEN {'verdict': 'unknown_term', 'detail': 'billing_term'}
      WHEN NOT is_live AND NOT line_inactive THEN {'verdict': 'line_inactive', 'detail': 'off_because'}
      WHEN quantity_source = 'manual' AND pending_pro_rata > 0 AND is_live
        THEN {'verdict': 'cancel', 'detail': 'pending_pro_rata'}
      WHEN licence_requested IS NOT NULL THEN {'verdict': 'cancel', 'detail': 'quantity_requested'}
      ELSE {'verdict': 'cancel', 'detail': NULL} END AS found
  FROM with_fault WHERE lifecycle = 'ended'
)
SELECT f.*, CASE
    WHEN lifecycle = 'unreadable' THEN {'verdict': 'unreadable', 'detail': 'problem'}
    WHEN moved_to IS NOT NULL THEN {'verdict': 'moved', 'detail': 'moved_to'}
    WHEN lifecycle = 'unknown_status' THEN {'verdict': 'unknown_status', 'detail': 'status'}
    WHEN lifecycle IN ('trial', 'not_started') THEN {'verdict': lifecycle, 'detail': NULL}
    WHEN lifecycle = 'ended_not_cancelled' THEN {'verdict': 'ended_not_cancelled', 'detail': 'end_date_passed'}
    WHEN lifecycle = 'ended' THEN e.found
    -- From here on Pax8 bills the subscription today.
    WHEN bill_on_behalf THEN {'verdict': 'billed_by_pax8', 'detail': NULL}
    WHEN lower(billing_term) IN ('one-time', 'activation') THEN {'verdict': 'one_time', 'detail': 'billing_term'}
    WHEN NOT known_recurring_term THEN {'verdict': 'unknown_term', 'detail': 'billing_term'}
    WHEN match_state IS DISTINCT FROM 'matched' THEN fault
    WHEN licence_id IS NULL AND line_id IS NULL AND fault IS NULL AND has_usage AND price = 0
      THEN {'verdict': 'metered', 'detail': NULL}
    WHEN fault IS NOT NULL THEN fault
    WHEN licence_id IS NULL AND line_id IS NULL THEN {'verdict': 'unbilled', 'detail': 'nothing_in_halo'}
    WHEN line_id IS NULL THEN {'verdict': 'unbilled', 'detail': 'no_line_of_licence'}
    WHEN NOT is_live THEN {'verdict': 'line_inactive', 'detail': 'off_because'}
    WHEN line_fault IS NOT NULL THEN line_fault
    WHEN quantity_source = 'licence' AND NOT licence_active THEN {'verdict': 'licence_inactive', 'detail': 'licence_id'}
    WHEN quantity_source = 'licence' AND quantity <> floor(quantity)
      THEN {'verdict': 'fractional_quantity', 'detail': 'quantity'}
    -- The count moves when the order is done; until then ours and theirs would overwrite each other.
    WHEN quantity_source = 'licence' AND licence_requested IS NOT NULL AND quantity IS DISTINCT FROM halo_quantity
      THEN {'verdict': 'quantity_requested', 'detail': 'licence_requested'}
    WHEN lifecycle = 'pending_cancel' THEN {'verdict': 'pending_cancel', 'detail': CASE
      WHEN quantity IS DISTINCT FROM halo_quantity THEN 'quantity_differs'
      WHEN lower(status) = 'cancelled' AND end_date IS NULL THEN 'no_end_date' END}
    WHEN quantity IS NOT DISTINCT FROM halo_quantity THEN {'verdict': 'in_step', 'detail': NULL}
    WHEN quantity_source = 'manual' AND getvariable('manual_pro_rata') = 'entry'
         AND qty_order + pro_rata_quantity = quantity THEN {'verdict': 'entry_waits', 'detail': NULL}
    WHEN quantity_source = 'manual' AND pending_pro_rata > 0 THEN {'verdict': 'pending_pro_rata', 'detail': NULL}
    WHEN quantity = 0 THEN {'verdict': 'zero_quantity', 'detail': NULL}
    WHEN halo_quantity IS NULL OR quantity > halo_quantity THEN {'verdict': 'increase', 'detail': NULL}
    ELSE {'verdict': 'decrease', 'detail': NULL} END AS found
FROM with_fault f LEFT JOIN ended e USING (subscription_id)
