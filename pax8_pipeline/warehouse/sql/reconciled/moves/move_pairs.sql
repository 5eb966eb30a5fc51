/* Each subscription that ends beside each one of its company that may carry its line on: of the same product, or of the
same vendor; with the days between them at most 30.

reads: reconciled.subscriptions, staging.subscriptions, staging.products
| old_subscription_id | VARCHAR | Subscription that ends | reconciled.subscriptions.subscription_id |
| new_subscription_id | VARCHAR | Subscription that may carry it on | reconciled.subscriptions.subscription_id |
| kind | VARCHAR | What it would be | reconciled.subscriptions.product_id |
| score | INTEGER | How well they fit, 0 to 100 | reconciled.subscriptions.product_id |
| reasons | VARCHAR | What fits and what does not, in words | reconciled.subscriptions.product_id |
| company_id | VARCHAR | Pax8 company | reconciled.subscriptions.company_id |
| company_name | VARCHAR | Its name | reconciled.subscriptions.company_name |
| client_id | BIGINT | Halo client | reconciled.subscriptions.client_id |
| client_name | VARCHAR | Its name | reconciled.subscriptions.client_name |
| old_product_name | VARCHAR | Product of the old one | reconciled.subscriptions.product_name |
| new_product_name | VARCHAR | Product of the new one | reconciled.subscriptions.product_name |
| old_last_day | DATE | Last day of the old one | reconciled.subscriptions.end_date |
| new_first_day | DATE | First day of the new one | staging.subscriptions.billing_start |
| gap_days | BIGINT | Days between the two, below 0 days of both | reconciled.subscriptions.end_date |
| old_quantity | DECIMAL(28,10) | Seats of the old one | reconciled.subscriptions.quantity |
| new_quantity | DECIMAL(28,10) | Seats of the new one | reconciled.subscriptions.quantity |
| recurring_invoice_id | BIGINT | Recurring invoice of the line | reconciled.subscriptions.recurring_invoice_id |
| line_id | BIGINT | Line that would go over | reconciled.subscriptions.line_id |
| licence_id | BIGINT | Licence that would go over | reconciled.subscriptions.licence_id |
*/
WITH subs AS (
  SELECT r.*, coalesce(s.billing_start, s.start_date) AS first_day, lower(p.vendor_name) AS vendor,
         r.lifecycle = 'trial' AS is_trial
  FROM reconciled.subscriptions r
  JOIN staging.subscriptions s USING (subscription_id)
  LEFT JOIN staging.products p ON p.product_id = r.product_id
), ending AS (
  SELECT * FROM subs
  WHERE line_live AND (is_trial OR (lifecycle IN ('ended', 'ended_not_cancelled', 'pending_cancel')
                                    AND end_date IS NOT NULL))
    AND verdict IN ('cancel', 'pending_cancel', 'ended_not_cancelled', 'trial')
), starting AS (
  SELECT * FROM subs
  WHERE lifecycle IN ('billing', 'not_started') AND verdict IN ('unbilled', 'not_started') AND matched_by IS NULL
    AND licence_id IS NULL AND line_id IS NULL
), pairs AS (
  SELECT o.*, n.subscription_id AS new_id, n.product_name AS new_product, n.first_day AS new_first_day,
         n.quantity AS new_quantity, coalesce(o.end_date, n.first_day - 1) AS old_last_day,
         n.first_day - coalesce(o.end_date, n.first_day - 1) - 1 AS gap_days,
         coalesce(o.end_date, n.first_day - 1) - n.first_day + 1 AS both_days,
         n.product_id = o.product_id AS same_product,
         n.quantity = o.quantity AS same_quantity, n.price = o.price AND n.currency = o.currency AS same_price,
         lower(n.billing_term) IS NOT DISTINCT FROM lower(o.billing_term)
           AND lower(n.commitment_term) IS NOT DISTINCT FROM lower(o.commitment_term) AS same_terms,
         abs(n.quantity - o.quantity) * 5 <= greatest(n.quantity, o.quantity) AS near_quantity,
         o.commitment_end_date IS NOT NULL AS was_committed
  FROM ending o JOIN starting n ON n.company_id = o.company_id AND n.subscription_id <> o.subscription_id
    AND (n.product_id = o.product_id OR n.vendor = o.vendor) AND n.first_day >= o.first_day
  WHERE abs(n.first_day - coalesce(o.end_date, n.first_day - 1) - 1) <= 30
)
SELECT subscription_id AS old_subscription_id, new_id AS new_subscription_id,
       CASE WHEN is_trial THEN 'paid_trial' WHEN NOT same_product THEN 'product_change'
            WHEN NOT same_terms THEN 'term_change' WHEN was_committed AND abs(gap_days) <= 1 THEN 'renewal'
            ELSE 'new_purchase' END AS kind,
       CASE WHEN same_product THEN 45
            ELSE 15 + (15 * jaro_winkler_similarity(lower(product_name), lower(new_product)))::INTEGER END
       + CASE WHEN abs(gap_days) <= 1 THEN 25 WHEN abs(gap_days) <= 7 THEN 18 ELSE 8 END
       + CASE WHEN same_quantity THEN 15 WHEN near_quantity THEN 8 ELSE 0 END
       + CASE WHEN same_price THEN 10 ELSE 0 END + CASE WHEN same_terms THEN 5 ELSE 0 END AS score,
       CASE WHEN same_product THEN wording('move_reasons', 'same_product')
            ELSE wording('move_reasons', 'other_product') END
       || CASE WHEN gap_days = 0 THEN wording('move_reasons', 'next_day')
               WHEN gap_days > 0 THEN wording('move_reasons', 'gap') ELSE wording('move_reasons', 'overlap') END
       || CASE WHEN same_quantity THEN wording('move_reasons', 'same_quantity')
               ELSE wording('move_reasons', 'other_quantity') END
       || CASE WHEN same_price THEN wording('move_reasons', 'same_price') ELSE '' END
       || CASE WHEN same_terms THEN '' ELSE wording('move_reasons', 'other_terms') END AS reasons,
       company_id, company_name, client_id, client_name, product_name AS old_product_name,
       new_product AS new_product_name, old_last_day, new_first_day, gap_days, quantity AS old_quantity, new_quantity,
       recurring_invoice_id, line_id, licence_id
FROM pairs
