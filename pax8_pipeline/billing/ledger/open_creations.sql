-- Clients, licences and lines whose making has no known end: when each was claimed, and when a whole read first did
-- not show it. Parameter: creations, the actions that make them.
SELECT o.*, p.expect, p.quantity_after, c.claimed_at, c.not_shown_at
FROM billing.ledger_state o
JOIN billing.plan p ON p.plan_id = o.plan_id AND p.row_id = o.row_id
JOIN (
  SELECT plan_id, row_id, coalesce(max(recorded_at) FILTER (state = 'claimed'), max(recorded_at)) AS claimed_at,
         min(try_cast(before_state->>'$.not_shown' AS TIMESTAMP)) FILTER (state = 'unknown') AS not_shown_at
  FROM billing.ledger WHERE list_contains($creations, action) GROUP BY plan_id, row_id
) c ON c.plan_id = o.plan_id AND c.row_id = o.row_id
WHERE o.state IN ('claimed', 'sent', 'unknown') AND list_contains($creations, o.action)
ORDER BY o.plan_id, o.row_id;
