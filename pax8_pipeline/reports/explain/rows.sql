-- The plan rows a story is about, newest plan first. Parameters: kind, id (explain_find.sql). The history of a
-- plan, a client or a company leaves out what was compared and is in step.
CREATE OR REPLACE TEMP TABLE story_rows AS
SELECT p.plan_id, p.row_id
FROM billing.plan p
LEFT JOIN billing.ledger l ON $kind = 'entry' AND l.entry = meta.halo_id($id)
  AND l.plan_id = p.plan_id AND l.row_id = p.row_id
WHERE CASE $kind WHEN 'subscription' THEN p.subscription_id = $id
                 WHEN 'licence' THEN p.licence_id = meta.halo_id($id)
                 WHEN 'line' THEN p.line_id = meta.halo_id($id)
                 WHEN 'invoice' THEN p.recurring_invoice_id = meta.own_recurring_id($id)
                 WHEN 'client' THEN p.class <> 'no_op' AND (p.client_id = meta.halo_id($id) OR p.company_id IN (
                   SELECT company_id FROM reconciled.client_matches WHERE client_id = meta.halo_id($id)))
                 WHEN 'company' THEN p.class <> 'no_op' AND p.company_id = $id
                 WHEN 'plan' THEN p.plan_id = $id AND p.class <> 'no_op'
                 WHEN 'row' THEN p.plan_id || '/' || p.row_id = $id
                 WHEN 'usage' THEN lower(p.row_id) = $id OR starts_with(lower(p.row_id), $id || '-adj')
                 WHEN 'halo_invoice' THEN lower(p.row_id) IN (
                   SELECT unnest(regexp_extract_all(lower(payload),
                          'pax8-usage \d{4}-\d{2} [0-9a-f][0-9a-f-]*[0-9a-f](?:-adj\d+)?'))
                   FROM halo.invoices WHERE object_id = $id)
                 WHEN 'entry' THEN l.entry IS NOT NULL
                 WHEN 'summary' THEN false WHEN 'item' THEN false END
UNION
SELECT p.plan_id, p.row_id FROM billing.plan p JOIN story_charges c
  ON contains(p.expect, '"' || c.charge_id || '"')
  OR (starts_with(p.row_id, c.row_begins)
    AND (ends_with(p.row_id, c.row_ends[1]) OR ends_with(p.row_id, c.row_ends[2])));
