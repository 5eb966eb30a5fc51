-- Where each intended write stands: its latest entry.
CREATE OR REPLACE VIEW billing.ledger_state AS
SELECT * FROM billing.ledger QUALIFY row_number() OVER (PARTITION BY plan_id, row_id ORDER BY entry DESC) = 1;
