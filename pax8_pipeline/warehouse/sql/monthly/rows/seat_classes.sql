/* The class of each subscription's seats, and why: first what keeps it from being compared, then what Pax8 does not
charge, then the numbers.

key: subscription_id
extends: seats_compared
reads: seats_compared, what_was_read, history_evidence
| found | STRUCT(class VARCHAR, reason VARCHAR) | The class, and the name of the sentence that says why
  | seats_compared.difference, seats_compared.basis, what_was_read.pax8_unread,
  history_evidence.price_shown |
*/
WITH barred AS (
  SELECT c.*, CASE
      WHEN w.pax8_unread IS NOT NULL THEN w.pax8_unread
      WHEN w.halo_unread IS NOT NULL THEN w.halo_unread
      WHEN c.problem IS NOT NULL AND c.basis <> 'ended' THEN 'subscription_unreadable'
      WHEN c.currencies > 1 THEN 'two_currencies'
      WHEN c.line_ids IS NULL THEN NULL
      WHEN w.bills_unread IS NOT NULL THEN w.bills_unread
      WHEN c.billed IS NULL THEN 'line_unreadable'
      WHEN c.billed > 0 AND c.expected > 0 AND c.halo_currency <> c.charged_currency THEN 'other_currency'
      WHEN c.billed > 0 AND c.period_months IS NULL THEN 'period_unknown' END AS barrier
  FROM seats_compared c CROSS JOIN what_was_read w
), numbers AS (
  SELECT subscription_id, CASE
      WHEN difference = 0 AND price_differs THEN {'class': 'price_drift', 'reason': CASE
        WHEN NOT price_shown THEN 'price_against_history' WHEN bills_old_price THEN 'price_changed' ELSE 'price' END}
      WHEN difference = 0 AND cost_differs THEN {'class': 'price_drift', 'reason': 'cost'}
      WHEN difference = 0 AND NOT is_listed THEN {'class': 'not_checked', 'reason': 'not_listed'}
      WHEN difference = 0 AND basis = 'invoice' AND listed <> invoiced THEN {'class': 'timing', 'reason': 'list_moved'}
      WHEN difference = 0 AND first_billed <> share_expected THEN {'class': 'equal', 'reason': 'corrected'}
      WHEN difference = 0 AND repeated THEN {'class': 'equal', 'reason': 'several_items'}
      WHEN difference = 0 AND is_bundle THEN {'class': 'equal', 'reason': 'bundle'}
      WHEN difference = 0 AND share_expected <> expected THEN {'class': 'equal', 'reason': 'line_rules'}
      WHEN difference = 0 THEN {'class': 'equal', 'reason': CASE basis WHEN 'list' THEN 'long_term' ELSE 'agree' END}
      WHEN changed_later THEN {'class': 'timing', 'reason': 'changed_after_invoice'}
      WHEN difference = pax8_parts THEN {'class': 'timing', 'reason': 'pax8_part_follows'}
      WHEN -difference = halo_parts THEN {'class': 'timing', 'reason': 'halo_part_follows'}
      WHEN difference < 0 AND pending_pro_rata > 0 THEN {'class': 'timing', 'reason': 'pro_rata_waits'}
      WHEN billed <= 0 THEN {'class': 'unbilled', 'reason': CASE
        WHEN state IN ('not_on_invoice', 'voided', 'skipped') THEN state
        WHEN NOT is_live THEN 'line_off' ELSE 'line_zero' END}
      WHEN difference > 0 AND billing_lines > 1 THEN {'class': 'over_billed', 'reason': 'several_lines'}
      WHEN repeated THEN {'class': CASE WHEN difference < 0 THEN 'under_billed' ELSE 'over_billed' END,
                          'reason': 'invoiced_twice'}
      ELSE {'class': CASE WHEN difference < 0 THEN 'under_billed' ELSE 'over_billed' END,
            'reason': CASE WHEN state = 'made' AND line_quantity = share_expected THEN 'invoice_differs'
                           WHEN sharers > 1 THEN 'shared_line' WHEN listed = billed THEN 'invoice_against_list'
                           ELSE 'quantity' END} END AS found
  FROM barred LEFT JOIN (SELECT subscription_id, price_shown, bills_old_price FROM history_evidence) e
    USING (subscription_id)
)
SELECT b.* EXCLUDE (barrier), CASE
    WHEN barrier IS NOT NULL THEN {'class': 'not_checked', 'reason': barrier}
    WHEN basis IN ('by_pax8', 'trial')
      THEN {'class': CASE WHEN billed > 0 AND billed_money > 0 THEN 'over_billed' ELSE 'equal' END, 'reason': basis}
    WHEN coalesce(total, 0) = 0 AND coalesce(cost, 0) = 0 AND coalesce(billed_money, 0) = 0 AND basis <> 'list'
      THEN {'class': 'equal', 'reason': CASE WHEN invoiced IS NULL THEN basis ELSE 'no_money' END}
    WHEN basis = 'ended' THEN CASE WHEN bill_date <= end_date THEN {'class': 'timing', 'reason': 'ended_later'}
                                   ELSE {'class': 'orphaned', 'reason': 'ended'} END
    WHEN basis = 'not_started' THEN {'class': 'timing', 'reason': 'not_started'}
    WHEN basis = 'no_term' THEN {'class': 'not_checked', 'reason': 'no_term'}
    WHEN basis IN ('metered', 'not_invoiced') THEN {'class': 'over_billed', 'reason': basis}
    WHEN line_ids IS NULL AND NOT is_listed THEN {'class': 'unbilled', 'reason': 'not_listed'}
    WHEN line_ids IS NULL AND client_id IS NULL THEN {'class': 'unbilled', 'reason': 'no_client'}
    WHEN line_ids IS NULL THEN {'class': 'unbilled', 'reason': 'no_line'}
    ELSE n.found END AS found
FROM barred b JOIN numbers n USING (subscription_id)
WHERE items IS NOT NULL OR coalesce(billed, 0) > 0 OR expected > 0
  OR (barrier IS NOT NULL AND basis NOT IN ('ended', 'no_term', 'not_started', 'trial', 'by_pax8'))
