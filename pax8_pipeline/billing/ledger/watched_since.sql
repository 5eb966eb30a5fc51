-- The date of the oldest usage document under watch. Parameters: from, the first day that is watched; documents, the
-- actions that make documents.
SELECT min(day) FROM (
  SELECT invoice_date AS day FROM billing.documents
  UNION ALL
  SELECT try_cast(json_extract_string(p.expect, '$.usage.invoice_date') AS DATE)
  FROM billing.ledger_state s JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id
  WHERE list_contains($documents, s.action) AND s.state = 'verified'
) WHERE day >= $from;
