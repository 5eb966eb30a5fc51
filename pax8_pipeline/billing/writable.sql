-- What may be written of one plan now: safe rows, rows approved in it, rows of which an equal one was approved lately
-- and whose client's trust mode lets the next run do it. An approval is spent by the write it led to: what was written
-- since (and perhaps undone) is not written again by it. Parameters: plan_id, now (UTC), days (how long an approval
-- lasts), applied_by_person.
SELECT p.row_id, p.class = 'safe' AS safe, a.approved_by, coalesce(a.acknowledged, false) AS acknowledged,
       p.verdict = 'rollback' AS undoes
FROM billing.plan p
JOIN billing.plans h ON h.plan_id = p.plan_id
LEFT JOIN LATERAL (
  SELECT bool_or(r.kind = 'approve') AS approved, bool_or(r.kind = 'acknowledge') AS acknowledged,
         arg_max(r.approved_by, r.approved_at) AS approved_by
  FROM billing.approved_rows r
  JOIN billing.plans g ON g.plan_id = r.plan_id
  WHERE r.row_id = p.row_id
    -- An approval is valid for one target: the same write in all that it depends on, under the same policy and mapping
    -- files.
    AND (r.action, r.verdict, r.reason, r.client_id, r.company_id, r.subscription_id)
        IS NOT DISTINCT FROM (p.action, p.verdict, p.reason, p.client_id, p.company_id, p.subscription_id)
    AND (r.recurring_invoice_id, r.line_id, r.licence_id, r.target)
        IS NOT DISTINCT FROM (p.recurring_invoice_id, p.line_id, p.licence_id, p.target)
    AND (r."before", r."after", r.quantity_before, r.quantity_after, r.billed_before, r.billed_after, r.delta)
        IS NOT DISTINCT FROM (p."before", p."after", p.quantity_before, p.quantity_after, p.billed_before,
          p.billed_after, p.delta)
    AND (r.currency, r.unit_price, r.period_months, r.money_per_period, r.money_per_month)
        IS NOT DISTINCT FROM (p.currency, p.unit_price, p.period_months, p.money_per_period, p.money_per_month)
    -- The date of a usage invoice, and of a part-period entry, is the day it is written.
    AND json_merge_patch(r.expect, '{"usage":{"invoice_date":null},"entry_date":null}')::VARCHAR
        = json_merge_patch(p.expect, '{"usage":{"invoice_date":null},"entry_date":null}')::VARCHAR
    AND g.policy_fingerprint = h.policy_fingerprint AND g.mapping_fingerprint = h.mapping_fingerprint
    AND (r.plan_id = p.plan_id
         OR (r.kind = 'approve' AND p.class = 'needs_approval' AND p.reason <> 'trust_propose'
             AND r.approved_at > $now::TIMESTAMP - to_days($days::INTEGER)
             AND NOT EXISTS (SELECT 1 FROM billing.ledger w WHERE w.row_id = p.row_id AND w.state = 'verified'
                               AND w.recorded_at >= r.approved_at)))
) a ON true
WHERE p.plan_id = $plan_id AND p.action <> 'none'
  AND (p.class = 'safe'
       OR (p.class = 'needs_approval' AND a.approved AND ($applied_by_person OR p.reason <> 'trust_propose'))
       OR (p.class = 'blocked' AND p.reason IN ('guardrail_client', 'guardrail_run') AND a.acknowledged))
  AND NOT EXISTS (SELECT 1 FROM billing.ledger l WHERE l.plan_id = p.plan_id AND l.row_id = p.row_id)
ORDER BY p.row_id;
