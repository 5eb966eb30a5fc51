-- What was done about it. `settled`: a later run found out by reading what became of a write that was left open.
SELECT l.*, coalesce(lag(l.state) OVER w IN ('claimed', 'sent', 'unknown') AND lag(l.run_id) OVER w <> l.run_id,
       false) AS settled,
       row_number() OVER (PARTITION BY l.plan_id, l.row_id ORDER BY l.entry DESC) = 1 AS stands
FROM billing.ledger l JOIN story_rows s ON s.plan_id = l.plan_id AND s.row_id = l.row_id
WINDOW w AS (PARTITION BY l.plan_id, l.row_id ORDER BY l.entry)
ORDER BY l.entry;
