/* Plan rows that somebody agreed to. An approval counts for the plan it was given for; a row of another plan that says
the same (target, before, after) is found through it in billing/writable.sql.

extends: billing.plan
reads: billing.approvals, billing.plan
| kind | VARCHAR | approve or acknowledge | billing.approvals.kind |
| approved_at | TIMESTAMP | When, UTC | billing.approvals.approved_at |
| approved_by | VARCHAR | Who | billing.approvals.approved_by |
*/
SELECT p.*, a.kind, a.approved_at, a.approved_by
FROM billing.approvals a
JOIN billing.plan p ON p.plan_id = a.plan_id AND (a.client_id IS NULL OR a.client_id = p.client_id)
  AND (a.row_id IS NULL OR a.row_id = p.row_id)
WHERE p.action <> 'none'
  AND CASE a.kind WHEN 'approve' THEN p.class = 'needs_approval'
                  WHEN 'acknowledge' THEN (p.class = 'blocked' AND p.reason IN ('guardrail_client', 'guardrail_run'))
                    -- Approved rows add to what the guardrails count; whoever acknowledges them saw them approved.
                    OR (p.class = 'needs_approval' AND EXISTS (
                      SELECT 1 FROM billing.approvals b
                      WHERE b.kind = 'approve' AND b.plan_id = p.plan_id AND b.approval < a.approval
                        AND (b.client_id IS NULL OR b.client_id = p.client_id)
                        AND (b.row_id IS NULL OR b.row_id = p.row_id))) END
