-- The rows of old plans that nobody wrote or approved. Of all other plans the changes stay, as in the ledger's backup:
-- undoing, approvals and "what a person undid" rest on them. Parameter: before (UTC).
SELECT p.rowid AS place FROM billing.plan p
WHERE p.plan_id IN (SELECT plan_id FROM billing.plans WHERE made_at < $before
                    AND plan_id <> (SELECT arg_max(plan_id, made_at) FROM billing.plans))
  AND (p.action = 'none'
       OR p.plan_id NOT IN (SELECT plan_id FROM billing.ledger UNION ALL SELECT plan_id FROM billing.approvals))
