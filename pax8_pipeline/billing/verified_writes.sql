-- The verified writes of one plan: the plan's row, the state in the claim, the ledger's last words. Parameter: plan id.
SELECT p.*,
       (SELECT arg_max(c.before_state, c.entry) FROM billing.ledger c
        WHERE c.plan_id = p.plan_id AND c.row_id = p.row_id AND c.state = 'claimed') AS before_state,
       s.detail AS ledger_detail
FROM billing.plan p
JOIN billing.ledger_state s ON s.plan_id = p.plan_id AND s.row_id = p.row_id
WHERE p.plan_id = ? AND s.state = 'verified'
ORDER BY p.row_id;
