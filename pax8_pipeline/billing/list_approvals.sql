-- What people approved in one plan, oldest first, with the number of rows that each approval covers. Parameter: the
-- plan id.
SELECT a.approval, a.approved_at, a.approved_by, a.kind, a.checksum, a.client_id, a.row_id,
       count(DISTINCT r.row_id) AS rows
FROM billing.approvals a
LEFT JOIN billing.approved_rows r ON r.plan_id = a.plan_id AND r.kind = a.kind AND r.approved_at = a.approved_at
WHERE a.plan_id = ?
GROUP BY ALL
ORDER BY a.approval;
