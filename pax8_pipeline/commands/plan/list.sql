-- The newest plans, with what was written of each.
SELECT p.plan_id, p.made_at, p.rows_safe AS planned, p.rows_waiting AS waiting, p.rows_blocked AS held_back,
       (SELECT count(*) FROM billing.ledger_state l WHERE l.plan_id = p.plan_id AND l.state = 'verified') AS written,
       p.held, p.problem, p.run_id
FROM billing.plans p
ORDER BY p.made_at DESC, p.plan_id DESC
LIMIT $limit
