-- The oldest day of a usage invoice whose end is not known: its date, or when it was claimed. Parameter: documents, the
-- actions that make documents.
SELECT min(least((SELECT min(l.recorded_at)::DATE FROM billing.ledger l
                  WHERE l.plan_id = s.plan_id AND l.row_id = s.row_id),
                 try_cast(json_extract_string(p.expect, '$.usage.invoice_date') AS DATE)))
FROM billing.ledger_state s
JOIN billing.plan p ON p.plan_id = s.plan_id AND p.row_id = s.row_id
WHERE list_contains($documents, s.action) AND s.state IN ('claimed', 'sent', 'unknown');
