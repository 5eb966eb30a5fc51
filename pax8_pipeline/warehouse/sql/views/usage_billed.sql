/* What the ledger says was, or may have been, billed for usage: one row for each line of each document. A write whose
end is not known counts too: what may have been billed is not billed again. A document
that went missing and was made again counts once.

reads: billing.ledger_state, billing.planned_lines
| plan_id | VARCHAR | Plan that billed it | billing.ledger_state.plan_id |
| usage_key | VARCHAR | Row of the plan: the usage key | billing.ledger_state.row_id |
| action | VARCHAR | How it was billed | billing.ledger_state.action |
| state | VARCHAR | State of the write | billing.ledger_state.state |
| recorded_at | TIMESTAMP | When, UTC | billing.ledger_state.recorded_at |
| month | VARCHAR | Usage month | billing.planned_lines.month |
| company_id | VARCHAR | Pax8 company | billing.planned_lines.company_id |
| client_id | BIGINT | Halo client | billing.ledger_state.client_id |
| currency | VARCHAR | ISO 4217 | billing.ledger_state.currency |
| ref | VARCHAR | The line | billing.planned_lines.ref |
| amount | DECIMAL(28,10) | What the client was charged, once | billing.planned_lines.amount |
| cost | DECIMAL(28,10) | What Pax8 charged for it | billing.planned_lines.cost |
| charges | VARCHAR[] | The Pax8 charges in it | billing.planned_lines.charges |
*/
SELECT w.plan_id, w.row_id AS usage_key, w.action, w.state, w.recorded_at, n.month, n.company_id, w.client_id,
       w.currency,
       n.ref, n.amount, n.cost, n.charges
FROM (
  SELECT * FROM billing.ledger_state
  WHERE action = 'create_invoice'
    AND state IN ('verified', 'claimed', 'sent', 'unknown', 'duplicate')
  QUALIFY state <> 'verified'
    OR row_number() OVER (PARTITION BY lower(row_id), action, state ORDER BY entry DESC) = 1
) w JOIN billing.planned_lines n ON n.plan_id = w.plan_id AND n.row_id = w.row_id
