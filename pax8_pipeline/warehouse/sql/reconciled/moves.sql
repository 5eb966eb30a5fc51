/* Moves of a line that a person may accept: a subscription that ends, and one of the same company that seems to carry
it on and that nothing in Halo bills yet. A score of 0 to 100 says how well the two fit. Nothing is billed
by a proposal.

key: old_subscription_id
reads: move_pairs
| old_subscription_id | VARCHAR not null | Subscription that ends | reconciled.subscriptions.subscription_id |
| new_subscription_id | VARCHAR not null | Subscription that seems to carry it on
  | reconciled.subscriptions.subscription_id |
| kind | VARCHAR not null | renewal, new_purchase, term_change, product_change or paid_trial
  | reconciled.subscriptions.product_id, reconciled.subscriptions.billing_term |
| score | INTEGER not null | How well they fit, 0 to 100 | reconciled.subscriptions.product_id,
  reconciled.subscriptions.start_date, reconciled.subscriptions.quantity |
| reasons | VARCHAR not null | What fits and what does not, in words | reconciled.subscriptions.product_id |
| company_id | VARCHAR | Pax8 company | reconciled.subscriptions.company_id |
| company_name | VARCHAR | Its name | reconciled.subscriptions.company_name |
| client_id | BIGINT | Halo client | reconciled.subscriptions.client_id |
| client_name | VARCHAR | Its name | reconciled.subscriptions.client_name |
| old_product_name | VARCHAR | Product of the old one | reconciled.subscriptions.product_name |
| new_product_name | VARCHAR | Product of the new one | reconciled.subscriptions.product_name |
| old_last_day | DATE | Last day of the old one | reconciled.subscriptions.end_date |
| new_first_day | DATE | First day of the new one | reconciled.subscriptions.start_date,
  staging.subscriptions.billing_start |
| gap_days | BIGINT | Days between the two that Pax8 charges neither, below 0 both
  | reconciled.subscriptions.end_date, reconciled.subscriptions.start_date |
| old_quantity | DECIMAL(28,10) | Seats of the old one | reconciled.subscriptions.quantity |
| new_quantity | DECIMAL(28,10) | Seats of the new one | reconciled.subscriptions.quantity |
| recurring_invoice_id | BIGINT | Halo recurring invoice of the line | reconciled.subscriptions.recurring_invoice_id |
| line_id | BIGINT | Halo line that would go over | reconciled.subscriptions.line_id |
| licence_id | BIGINT | Halo licence that would go over | reconciled.subscriptions.licence_id |
*/
SELECT old_subscription_id, new_subscription_id, kind,
       (score - CASE WHEN is_close THEN 20 ELSE 0 END)::INTEGER AS score,
       reasons || CASE WHEN is_close THEN wording('move_reasons', 'rival') ELSE '' END AS reasons, company_id,
       company_name, client_id, client_name, old_product_name, new_product_name, old_last_day, new_first_day, gap_days,
       old_quantity, new_quantity, recurring_invoice_id, line_id, licence_id
FROM (
  SELECT *, row_number() OVER (PARTITION BY old_subscription_id ORDER BY score DESC, new_subscription_id) AS old_place,
         row_number() OVER (PARTITION BY new_subscription_id ORDER BY score DESC, old_subscription_id) AS new_place,
         -- Another pair of one of the two that fits nearly as well makes neither of them sure.
         count(*) OVER (PARTITION BY old_subscription_id ORDER BY score RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING) > 1
           OR count(*) OVER (PARTITION BY new_subscription_id
                             ORDER BY score RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING) > 1 AS is_close
  FROM move_pairs
)
WHERE old_place = 1 AND new_place = 1
