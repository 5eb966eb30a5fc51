/* The part periods of each subscription: what Pax8 charges or credits for them on the month's invoices, and what
Halo bills
for them on its own. Halo's part of a line that several subscriptions share counts for those that Pax8 charges.

key: subscription_id
reads: monthly.items, line_bills, line_shares, seats_compared, what_was_read, billed_before, history_parts
| subscription_id | VARCHAR | Pax8 subscription | monthly.items.subscription_id, line_shares.subscription_id |
| pax8_quantity | DECIMAL(28,10) | Units that Pax8 charges a part for | monthly.items.quantity |
| total | DECIMAL(28,10) | Their client total | monthly.items.total |
| cost | DECIMAL(28,10) | What Pax8 invoices the partner | monthly.items.cost |
| item_currency | VARCHAR | Currency of the items | monthly.items.currency |
| halo_quantity | DECIMAL(28,10) | Units that Halo bills a part for | line_bills.part_quantity |
| halo_net | DECIMAL(28,10) | Their money | line_bills.part_net |
| found | STRUCT(class VARCHAR, reason VARCHAR) | The class, and the name of the reason | monthly.items.total,
  line_bills.part_net, history_parts.is_explained |
*/
WITH charged AS (
  SELECT subscription_id, sum(quantity) AS quantity, sum(total) AS total, sum(cost) AS cost,
         min(currency) AS currency, count(DISTINCT currency) AS currencies, bool_or(billed_by_pax8) AS by_pax8
  FROM monthly.items WHERE month = getvariable('month') AND kind = 'pro_rata' AND unexplained IS NULL
  GROUP BY subscription_id
), sharing AS (
  SELECT s.subscription_id, b.part_quantity, b.part_net, c.quantity, c.total,
         row_number() OVER (PARTITION BY s.line_id ORDER BY c.total IS NULL, s.sharers, s.subscription_id) AS place,
         sum(c.quantity) OVER on_line AS quantities, sum(c.total) OVER on_line AS totals
  FROM line_shares s JOIN line_bills b USING (line_id) LEFT JOIN charged c ON c.subscription_id = s.subscription_id
  WHERE b.part_net IS NOT NULL WINDOW on_line AS (PARTITION BY s.line_id)
), parts AS (
  SELECT subscription_id, sum(CASE WHEN place = 1 THEN part_quantity - coalesce(quantities, 0) + coalesce(quantity, 0)
                                   ELSE quantity END) AS quantity,
         sum(CASE WHEN place = 1 THEN part_net - coalesce(totals, 0) + coalesce(total, 0) ELSE total END) AS net
  FROM sharing WHERE place = 1 OR total IS NOT NULL GROUP BY subscription_id
), compared AS (
  SELECT coalesce(c.subscription_id, p.subscription_id) AS subscription_id, c.quantity AS pax8_quantity, c.total,
         c.cost, c.currency AS item_currency, c.currencies, c.by_pax8, p.quantity AS halo_quantity, p.net AS halo_net,
         coalesce(p.net, 0) - coalesce(c.total, 0) AS difference
  FROM charged c FULL JOIN parts p ON p.subscription_id = c.subscription_id
)
SELECT c.subscription_id, c.pax8_quantity::DECIMAL(28,10) AS pax8_quantity, c.total::DECIMAL(28,10) AS total,
       c.cost::DECIMAL(28,10) AS cost, c.item_currency, c.halo_quantity::DECIMAL(28,10) AS halo_quantity,
       c.halo_net::DECIMAL(28,10) AS halo_net,
       CASE WHEN coalesce(w.pax8_unread, w.halo_unread, w.bills_unread) IS NOT NULL
              THEN {'class': 'not_checked', 'reason': coalesce(w.pax8_unread, w.halo_unread, w.bills_unread)}
            WHEN c.currencies > 1 THEN {'class': 'not_checked', 'reason': 'two_currencies'}
            WHEN c.halo_net IS NOT NULL AND s.halo_currency <> c.item_currency
              THEN {'class': 'not_checked', 'reason': 'other_currency'}
            WHEN coalesce(c.by_pax8, false) AND c.halo_net IS NULL THEN {'class': 'equal', 'reason': 'by_pax8'}
            -- A cent for each unit is rounding.
            WHEN abs(c.difference) <= 0.01 * greatest(1, abs(coalesce(c.pax8_quantity, 0)))
              THEN {'class': 'equal', 'reason': 'parts_agree'}
            WHEN c.halo_net IS NOT NULL AND h.is_explained = false
              THEN {'class': CASE WHEN c.difference > 0 THEN 'over_billed' ELSE 'under_billed' END,
                    'reason': 'part_against_history'}
            WHEN c.halo_quantity = c.pax8_quantity THEN {'class': 'timing', 'reason': 'part_days'}
            WHEN c.halo_net IS NULL AND c.pax8_quantity IN (b.surplus, b.part_surplus)
              THEN {'class': 'timing', 'reason': 'part_billed_before'}
            WHEN c.halo_net IS NULL AND s.pending_pro_rata > 0 THEN {'class': 'timing', 'reason': 'pro_rata_waits'}
            WHEN c.halo_net IS NULL AND h.is_explained = false
              THEN {'class': CASE WHEN c.total < 0 THEN 'over_billed' ELSE 'unbilled' END,
                    'reason': 'part_without_change'}
            WHEN c.halo_net IS NULL AND c.total < 0 THEN {'class': 'over_billed', 'reason': 'part_credit_not_passed_on'}
            WHEN c.halo_net IS NULL THEN {'class': 'unbilled', 'reason': 'part_not_billed'}
            WHEN c.total IS NULL AND c.halo_quantity = h.coming THEN {'class': 'timing', 'reason': 'part_follows'}
            WHEN c.total IS NULL THEN {'class': CASE WHEN c.halo_net > 0 THEN 'over_billed' ELSE 'under_billed' END,
                                       'reason': 'part_of_halo_only'}
            ELSE {'class': CASE WHEN c.difference > 0 THEN 'over_billed' ELSE 'under_billed' END,
                  'reason': 'part_differs'} END AS found
FROM compared c CROSS JOIN what_was_read w
LEFT JOIN seats_compared s USING (subscription_id) LEFT JOIN billed_before b USING (subscription_id)
LEFT JOIN history_parts h USING (subscription_id)
