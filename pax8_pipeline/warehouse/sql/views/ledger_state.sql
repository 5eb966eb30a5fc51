/* Where each intended write is: its latest entry.

key: plan_id, row_id
extends: billing.ledger
reads: billing.ledger
*/
SELECT * FROM billing.ledger QUALIFY row_number() OVER (PARTITION BY plan_id, row_id ORDER BY entry DESC) = 1
