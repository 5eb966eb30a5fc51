-- The reads of the drafts of two Pax8 invoices: whether one brought items, and why the last one brought none.
-- Parameter: months, two as yyyy-mm.
SELECT scope AS invoice_month, arg_max(row_count, loaded_at) FILTER (complete) AS items,
       arg_max(problem, loaded_at) AS problem
FROM meta.snapshots WHERE table_name = 'pax8.draft_items' AND list_contains($months, scope) GROUP BY scope
