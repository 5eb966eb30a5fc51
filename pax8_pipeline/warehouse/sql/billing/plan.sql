/* Every plan ever made, one row per considered subscription, no-ops included: "looked at and fine" is not "not looked
at".

key: plan_id, row_id
| plan_id | VARCHAR not null | The plan |
| row_id | VARCHAR not null | Pax8 subscription id | reconciled.subscriptions.subscription_id |
| class | VARCHAR not null | safe, needs_approval, blocked or no_op | reconciled.subscriptions.verdict |
| verdict | VARCHAR not null | What is so | reconciled.subscriptions.verdict |
| action | VARCHAR not null | set_licence_count, set_line_quantity, set_line_price, end_line, end_licence,
  create_client, create_licence, create_line, create_invoice or none, and what takes these back
  | reconciled.subscriptions.verdict, reconciled.subscriptions.quantity_source |
| reason | VARCHAR not null | Reason code | reconciled.subscriptions.reason |
| sentence | VARCHAR not null | The reason in plain words | reconciled.subscriptions.reason |
| client_id | BIGINT | Halo client | reconciled.subscriptions.client_id |
| client_name | VARCHAR | Its name | reconciled.subscriptions.client_name |
| company_id | VARCHAR | Pax8 company | reconciled.subscriptions.company_id |
| company_name | VARCHAR | Its name | reconciled.subscriptions.company_name |
| subscription_id | VARCHAR not null | Pax8 subscription | reconciled.subscriptions.subscription_id |
| product_name | VARCHAR | Product | reconciled.subscriptions.product_name |
| target | VARCHAR | What would be written, in words | reconciled.subscriptions.line_id,
  reconciled.subscriptions.licence_id |
| recurring_invoice_id | BIGINT | Halo recurring invoice | reconciled.subscriptions.recurring_invoice_id |
| line_id | BIGINT | Halo line | reconciled.subscriptions.line_id |
| licence_id | BIGINT | Halo licence | reconciled.subscriptions.licence_id |
| before | VARCHAR | State of the target when planned | reconciled.subscriptions.halo_quantity |
| after | VARCHAR | State it is to have | reconciled.subscriptions.quantity |
| quantity_before | DECIMAL(28,10) | Quantity in Halo | reconciled.subscriptions.halo_quantity |
| quantity_after | DECIMAL(28,10) | Quantity it is to be | reconciled.subscriptions.quantity |
| billed_before | DECIMAL(28,10) | What the line bills now | reconciled.subscriptions.billed_before |
| billed_after | DECIMAL(28,10) | What the line will bill | reconciled.subscriptions.billed_after |
| delta | DECIMAL(28,10) | Change of the billed quantity | reconciled.subscriptions.billed_before,
  reconciled.subscriptions.billed_after |
| unit_price | DECIMAL(28,10) | Halo price per unit and period | reconciled.subscriptions.unit_price |
| currency | VARCHAR | ISO 4217 | reconciled.subscriptions.currency |
| period_months | DECIMAL(18,6) | Months of one billing period | reconciled.subscriptions.period_months |
| money_per_period | DECIMAL(28,10) | Change of what the client is billed each period
  | reconciled.subscriptions.billed_after, reconciled.subscriptions.unit_price |
| money_per_month | DECIMAL(28,10) | The same a month | reconciled.subscriptions.billed_after,
  reconciled.subscriptions.unit_price, reconciled.subscriptions.period_months |
| unbilled_per_month | DECIMAL(28,10) not null | Money a month that Pax8 bills and no Halo line follows
  | reconciled.subscriptions.unbilled_money_per_month |
| expect | VARCHAR not null | JSON: what the target must still be when it is written
  | reconciled.subscriptions.halo_quantity |
| evidence | VARCHAR not null | JSON: the facts behind the row | reconciled.subscriptions.status,
  reconciled.subscriptions.end_date |
*/
