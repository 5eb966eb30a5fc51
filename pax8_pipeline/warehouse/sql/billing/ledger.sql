/* Append-only record of every intended write and what became of it. Nothing updates or deletes a row; the state of a
write is its latest entry (view billing.ledger_state).

key: entry
| entry | BIGINT not null | Number, rising |
| recorded_at | TIMESTAMP not null | When, UTC |
| run_id | VARCHAR not null | Dagster run |
| plan_id | VARCHAR not null | Plan the write belongs to | billing.plan.plan_id |
| row_id | VARCHAR not null | Row of that plan | billing.plan.row_id |
| state | VARCHAR not null | claimed, sent, verified, failed, unknown, drifted, skipped or duplicate |
| action | VARCHAR not null | What was to be done | billing.plan.action |
| client_id | BIGINT | Halo client | billing.plan.client_id |
| subscription_id | VARCHAR not null | Pax8 subscription | billing.plan.subscription_id |
| recurring_invoice_id | BIGINT | Halo recurring invoice | billing.plan.recurring_invoice_id |
| line_id | BIGINT | Halo line | billing.plan.line_id |
| licence_id | BIGINT | Halo licence | billing.plan.licence_id |
| before | VARCHAR | State before | billing.plan.before |
| after | VARCHAR | State intended | billing.plan.after |
| currency | VARCHAR | ISO 4217 | billing.plan.currency |
| money_per_month | DECIMAL(28,10) | Change of what the client is billed a month | billing.plan.money_per_month |
| before_state | VARCHAR | JSON: with a claim what the target was, for an undo; of an unknown end when Halo first did
  not show it |
| detail | VARCHAR | What was sent, answered and read back, without secrets |
*/
