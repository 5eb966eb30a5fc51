-- Open writes of lines and licences, with what was planned and what Halo shows now as it was sent.
-- Parameter: documents, the actions that make something new (recovery.py and creation_recovery.py settle those).
SELECT o.*, p.expect, p.quantity_after,
       CASE WHEN l.line_id IS NOT NULL
            THEN (SELECT any_value(h.payload) FROM newest.halo_recurring_invoices h
                  WHERE h.object_id = o.recurring_invoice_id::VARCHAR) END AS header,
       CASE WHEN c.licence_id IS NOT NULL
            THEN (SELECT any_value(h.payload) FROM newest.halo_licences h
                  WHERE h.object_id = o.licence_id::VARCHAR) END AS licence
FROM billing.ledger_state o
LEFT JOIN billing.plan p ON p.plan_id = o.plan_id AND p.row_id = o.row_id
LEFT JOIN staging.licences c ON c.licence_id = o.licence_id
LEFT JOIN staging.recurring_invoice_lines l ON l.line_id = o.line_id
WHERE o.state IN ('claimed', 'sent', 'unknown') AND NOT list_contains($documents, o.action)
  -- What cannot be read proves neither that a write took effect nor that it did not.
  AND c.problem IS NULL AND l.problem IS NULL
ORDER BY o.plan_id, o.row_id;
