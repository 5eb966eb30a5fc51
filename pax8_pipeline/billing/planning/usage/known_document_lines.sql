/* The lines of documents that would be made again: those of the plan that made them.

key: row_id, ref
reads: known_documents, billing.planned_lines
when: known_documents
fills: plan_line_rows
*/
SELECT d.row_id, l.month, l.company_id, l.ref, l.item_id, l.text, l.note, l.amount, l.cost, l.charges
FROM known_documents d
JOIN billing.planned_lines l ON l.plan_id = d.plan_id AND lower(l.row_id) = d.usage_key
WHERE d.again AND l.ref IS NOT NULL
