-- What may be written of one plan now: safe rows, rows approved in it, rows of which an equal one was approved lately
-- and whose client's trust mode lets the next run do it. An approval is spent by the write it led to: what was written
-- since (and perhaps undone) is not written again by it. Parameters: plan id, UTC now, days an approval lasts, explicit.
SELECT p.row_id, p.class = 'safe' AS safe, a.approved_by, coalesce(a.acknowledged, false) AS acknowledged
FROM billing.plan p
LEFT JOIN LATERAL (
  SELECT bool_or(r.kind = 'approve') AS approved, bool_or(r.kind = 'acknowledge') AS acknowledged,
         arg_max(r.approved_by, r.approved_at) AS approved_by
  FROM billing.approved_rows r
  WHERE r.row_id = p.row_id AND r.action = p.action AND r.client_id IS NOT DISTINCT FROM p.client_id
    AND r."before" IS NOT DISTINCT FROM p."before" AND r."after" IS NOT DISTINCT FROM p."after"
    AND (r.plan_id = p.plan_id
         OR (r.kind = 'approve' AND p.class = 'needs_approval' AND p.reason <> 'trust_propose'
             AND r.approved_at > $now::TIMESTAMP - to_days($days::INTEGER)
             AND NOT EXISTS (SELECT 1 FROM billing.ledger w WHERE w.row_id = p.row_id AND w.state = 'verified'
                               AND w.recorded_at >= r.approved_at)))
) a ON true
-- set_usage_licence: a plan of an earlier version; the action is not written any more.
WHERE p.plan_id = $plan_id AND p.action NOT IN ('none', 'set_usage_licence')
  AND (p.class = 'safe'
       OR (p.class = 'needs_approval' AND a.approved AND ($explicit OR p.reason <> 'trust_propose'))
       OR (p.class = 'blocked' AND p.reason IN ('guardrail_client', 'guardrail_run') AND a.acknowledged))
  AND NOT EXISTS (SELECT 1 FROM billing.ledger l WHERE l.plan_id = p.plan_id AND l.row_id = p.row_id)
ORDER BY p.row_id;
