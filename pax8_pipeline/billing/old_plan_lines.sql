-- The lines of old plans whose row is gone. Parameter: before (UTC).
SELECT l.rowid AS place FROM billing.plan_lines l
WHERE l.plan_id IN (SELECT plan_id FROM billing.plans WHERE made_at < $before)
  AND NOT EXISTS (FROM billing.plan p WHERE p.plan_id = l.plan_id AND p.row_id = l.row_id)
