-- Their lines of usage invoices.
SELECT l.* FROM billing.plan_lines l SEMI JOIN published.billing.plan p USING (plan_id, row_id)
