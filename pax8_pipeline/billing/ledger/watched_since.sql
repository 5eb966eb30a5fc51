-- The date of the oldest usage document under watch. Parameter: from, the first day that is watched.
SELECT min(day) FROM (
  SELECT invoice_date AS day FROM billing.documents
  UNION ALL
  SELECT try_cast(json_extract_string(p.expect, '$.usage.invoice_date') AS DATE)
  FROM billing.ledger_state s JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id
  WHERE s.action = 'create_invoice' AND s.state = 'verified'
) WHERE day >= $from;
