-- What an id may name. Parameters: id (trimmed, lower case), number (the id as a whole number, or null).
SELECT 'subscription' AS kind, $id AS id WHERE EXISTS (SELECT 1 FROM pax8.subscriptions WHERE object_id = $id)
  OR EXISTS (SELECT 1 FROM billing.plan WHERE subscription_id = $id)
UNION ALL
SELECT 'plan', plan_id FROM billing.plans WHERE lower(plan_id) = $id
UNION ALL
SELECT DISTINCT 'row', plan_id || '/' || row_id FROM billing.plan
WHERE lower(plan_id || '/' || row_id) = $id
   -- A row id alone is told by the newest plan that has it; where it is a subscription's, that story says it all.
   OR (lower(row_id) = $id AND subscription_id <> $id AND NOT starts_with($id, 'pax8-usage ')
       AND plan_id = (SELECT arg_max(p.plan_id, p.made_at) FROM billing.plans p JOIN billing.plan r USING (plan_id)
                      WHERE lower(r.row_id) = $id))
UNION ALL
SELECT 'licence', $number::VARCHAR WHERE EXISTS (SELECT 1 FROM halo.licences WHERE object_id = $number::VARCHAR)
  OR EXISTS (SELECT 1 FROM billing.plan WHERE licence_id = $number)
UNION ALL
SELECT 'line', $number::VARCHAR WHERE EXISTS (SELECT 1 FROM staging.recurring_invoice_lines WHERE line_id = $number)
  OR EXISTS (SELECT 1 FROM billing.plan WHERE line_id = $number)
UNION ALL
SELECT 'invoice', $number::VARCHAR
       WHERE EXISTS (SELECT 1 FROM halo.recurring_invoices WHERE object_id = $number::VARCHAR)
  OR EXISTS (SELECT 1 FROM billing.plan WHERE recurring_invoice_id = $number)
UNION ALL
SELECT 'client', $number::VARCHAR WHERE EXISTS (SELECT 1 FROM staging.clients WHERE client_id = $number)
UNION ALL
SELECT 'company', company_id FROM staging.companies WHERE company_id = $id
UNION ALL
SELECT 'usage', $id WHERE starts_with($id, 'pax8-usage ')
  AND EXISTS (SELECT 1 FROM billing.plan WHERE lower(row_id) = $id OR starts_with(lower(row_id), $id || '-adj'))
UNION ALL
SELECT 'halo_invoice', $number::VARCHAR WHERE EXISTS (
  SELECT 1 FROM halo.invoices WHERE object_id = $number::VARCHAR AND contains(lower(payload), 'pax8-usage '))
UNION ALL
SELECT 'summary', $id WHERE EXISTS (SELECT 1 FROM pax8.usage_summaries WHERE object_id = $id)
UNION ALL
SELECT 'item', invoice_id || '/' || item_no FROM staging.invoice_items
WHERE lower(invoice_id || '/' || item_no) = $id OR (lower(item_no) = $id AND NOT starts_with($id, '#'))
UNION ALL
SELECT 'entry', $number::VARCHAR WHERE EXISTS (SELECT 1 FROM billing.ledger WHERE entry = $number)
