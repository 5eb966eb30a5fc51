-- Which rows of plans the published copy has: all of the last 35 days, and of older plans the changes that somebody
-- approved or that were written. Every run makes the copy again: a year of plans would take longer than the run.
SELECT p.* FROM billing.plan p
WHERE p.plan_id IN (SELECT plan_id FROM billing.plans
                    WHERE made_at >= (SELECT max(made_at) FROM billing.plans) - INTERVAL 35 DAY)
   OR (p.action <> 'none'
       AND p.plan_id IN (SELECT plan_id FROM billing.ledger UNION ALL SELECT plan_id FROM billing.approvals))
