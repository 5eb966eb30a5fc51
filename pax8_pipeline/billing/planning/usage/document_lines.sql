/* The lines of the usage documents of a plan, with typed amounts.

key: row_id, ref
reads: document_verdicts, usage_lines_due
fills: plan_line_rows
*/
SELECT d.usage_key AS row_id, month, company_id, l.ref, l.item_id, l.text, l.note, l.amount, l.cost, l.charges
FROM document_verdicts d JOIN usage_lines_due l USING (month, company_id)
