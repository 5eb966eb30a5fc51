-- The usage documents of the ledger: of each key the newest one that was verified, else one of which Halo answered
-- that it took it. What it must be is in the plan. Parameter: documents, the actions that make documents.
SELECT lower(s.row_id) AS usage_key, s.plan_id, s.state, s.recorded_at, p.expect
FROM billing.ledger_state s
JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id
WHERE list_contains($documents, s.action)
  AND (s.state = 'verified'
       OR (s.state IN ('failed', 'duplicate')
           AND EXISTS (SELECT 1 FROM billing.ledger l
                       WHERE l.plan_id = s.plan_id AND l.row_id = s.row_id AND l.state = 'sent')))
QUALIFY row_number() OVER (PARTITION BY lower(s.row_id) ORDER BY s.state = 'verified' DESC, s.entry DESC) = 1;
