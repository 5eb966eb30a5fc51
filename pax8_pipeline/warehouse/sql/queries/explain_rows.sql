-- The plan rows a story is about, newest plan first. Parameters: kind, id (explain_find.sql). A plan's own story leaves
-- out what was looked at and fine; its head says how many those are.
CREATE OR REPLACE TEMP TABLE story_rows AS
SELECT p.plan_id, p.row_id
FROM billing.plan p
LEFT JOIN billing.ledger l ON $kind = 'entry' AND l.entry = try_cast($id AS BIGINT)
  AND l.plan_id = p.plan_id AND l.row_id = p.row_id
WHERE CASE $kind WHEN 'subscription' THEN p.subscription_id = $id
                 WHEN 'licence' THEN p.licence_id = try_cast($id AS BIGINT)
                 WHEN 'line' THEN p.line_id = try_cast($id AS BIGINT)
                 WHEN 'invoice' THEN p.recurring_invoice_id = try_cast($id AS BIGINT)
                 WHEN 'plan' THEN p.plan_id = $id AND p.class <> 'no_op'
                 WHEN 'row' THEN p.plan_id || '/' || p.row_id = $id
                 WHEN 'entry' THEN l.entry IS NOT NULL END;
