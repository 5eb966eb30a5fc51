/* The lines of each usage invoice that a plan would make, with typed amounts. One-off amounts, never by month. Written
with the plan; `expect` in billing.plan keeps a copy. Plans of earlier versions have none here: read the view
billing.planned_lines.

key: plan_id, row_id, ref
| plan_id | VARCHAR not null | The plan | billing.plan.plan_id |
| row_id | VARCHAR not null | Its row: the usage key | billing.plan.row_id |
| month | VARCHAR | Usage month, yyyy-mm | reconciled.usage.month |
| company_id | VARCHAR | Pax8 company | reconciled.usage.company_id |
| ref | VARCHAR not null | Which charges it is: subscription, product, month | reconciled.usage.subscription_id,
  reconciled.usage.product_id |
| item_id | BIGINT | Halo item | reconciled.usage.halo_item_id |
| text | VARCHAR | Short text of the line | reconciled.usage.product_name |
| note | VARCHAR | Long text of the line | reconciled.usage.quantity, reconciled.usage.resource_group |
| amount | DECIMAL(28,10) | What the client is charged, once, net | reconciled.usage.amount |
| cost | DECIMAL(28,10) | What Pax8 charges the partner for it | reconciled.usage.cost |
| charges | VARCHAR[] | The Pax8 charges in it | reconciled.usage.charge_id |
*/
