-- Who agreed to what of it, when, and to which checksum. An approval given for an equal row of an earlier plan carries
-- over (billing/writable.sql), so it is told as well.
WITH history AS (
  SELECT p.* FROM story_rows s JOIN billing.plan p USING (plan_id, row_id)
), agreed AS (
  SELECT DISTINCT r.plan_id, r.row_id, r.kind, r.approved_at, r.approved_by, r.client_id
  FROM billing.approved_rows r JOIN history t ON t.row_id = r.row_id AND t.action = r.action
    AND t.client_id IS NOT DISTINCT FROM r.client_id AND t."before" IS NOT DISTINCT FROM r."before"
    AND t."after" IS NOT DISTINCT FROM r."after"
    AND (t.recurring_invoice_id, t.line_id, t.licence_id) IS NOT DISTINCT
      FROM (r.recurring_invoice_id, r.line_id, r.licence_id)
    AND (r.plan_id = t.plan_id OR (r.kind = 'approve' AND r.approved_at <= (
          SELECT h.expires_at FROM billing.plans h WHERE h.plan_id = t.plan_id)))
)
SELECT a.approval, a.approved_at, a.approved_by, a.kind, a.plan_id, a.checksum, a.client_id AS only_client,
       a.row_id AS only_row,
       count(*) AS rows_covered, string_agg(g.row_id, ', ' ORDER BY g.row_id) AS row_ids
FROM billing.approvals a
JOIN agreed g ON g.plan_id = a.plan_id AND g.kind = a.kind AND g.approved_at = a.approved_at
  AND g.approved_by = a.approved_by
  AND (a.client_id IS NULL OR a.client_id = g.client_id) AND (a.row_id IS NULL OR a.row_id = g.row_id)
GROUP BY ALL ORDER BY a.approval;
