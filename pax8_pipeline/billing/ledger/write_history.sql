-- What became of one row in every plan that had it. Parameter: the row id, compared without case.
SELECT s.plan_id, s.state,
       EXISTS (SELECT 1 FROM billing.ledger c
               WHERE c.plan_id = s.plan_id AND c.row_id = s.row_id AND c.state = 'claimed') AS claimed
FROM billing.ledger_state s WHERE lower(s.row_id) = lower(?) ORDER BY s.entry;
