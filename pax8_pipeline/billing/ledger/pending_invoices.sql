-- Usage invoices of which nobody knows yet whether Halo made them. Parameter: documents, the actions that make
-- documents.
SELECT s.row_id, s.client_id, p.client_name, s.plan_id, c.claimed_at, c.not_shown_at
FROM billing.ledger_state s
LEFT JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id
JOIN (
  SELECT plan_id, row_id, coalesce(max(recorded_at) FILTER (state = 'claimed'), max(recorded_at)) AS claimed_at,
         min(try_cast(before_state->>'$.not_shown' AS TIMESTAMP)) FILTER (state = 'unknown') AS not_shown_at
  FROM billing.ledger WHERE list_contains($documents, action) GROUP BY plan_id, row_id
) c ON c.plan_id = s.plan_id AND c.row_id = s.row_id
WHERE list_contains($documents, s.action) AND s.state IN ('claimed', 'sent', 'unknown')
ORDER BY s.row_id, s.plan_id;
