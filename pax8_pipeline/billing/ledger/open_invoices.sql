-- Usage invoices that were started and not verified: when each was claimed, when a whole search first did not show it,
-- and the plan that has its key verified, if one has. Parameter: documents, the actions that make documents.
SELECT s.plan_id, s.row_id, s.state, p.expect, c.claimed_at, c.not_shown_at,
       (SELECT min(v.plan_id) FROM billing.ledger_state v
        WHERE v.state = 'verified' AND list_contains($documents, v.action) AND lower(v.row_id) = lower(s.row_id)
          -- What is made again because Halo no longer shows it names the plans that made it before.
          AND NOT coalesce(list_contains(from_json(p.expect->'$.again', '["VARCHAR"]'), v.plan_id), false)) AS billed_by
FROM billing.ledger_state s
JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id
JOIN (
  SELECT plan_id, row_id, coalesce(max(recorded_at) FILTER (state = 'claimed'), max(recorded_at)) AS claimed_at,
         bool_or(state = 'claimed') AS claimed,
         min(try_cast(before_state->>'$.not_shown' AS TIMESTAMP)) FILTER (state = 'unknown') AS not_shown_at
  FROM billing.ledger WHERE list_contains($documents, action) GROUP BY plan_id, row_id
) c ON c.plan_id = s.plan_id AND c.row_id = s.row_id
WHERE list_contains($documents, s.action)
  AND (s.state IN ('claimed', 'sent', 'unknown') OR (s.state IN ('failed', 'drifted', 'duplicate') AND c.claimed))
ORDER BY s.entry;
