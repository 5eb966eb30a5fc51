-- Rows of one plan that were written, or may have been, without anybody acknowledging them.
SELECT s.row_id FROM billing.ledger_state s
-- undoing is not counted
JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id AND p.verdict <> 'rollback'
WHERE s.plan_id = ? AND s.state IN ('claimed', 'sent', 'verified', 'unknown', 'duplicate')
  AND NOT EXISTS (SELECT 1 FROM billing.approved_rows r
                  WHERE r.kind = 'acknowledge' AND r.plan_id = s.plan_id AND r.row_id = s.row_id);
