-- Open writes of earlier runs beside what Halo shows now. Usage invoices are judged in billing/ledger/recovery.py.
CREATE OR REPLACE TEMP TABLE settled AS
WITH open AS (
  SELECT * FROM billing.ledger_state WHERE state IN ('claimed', 'sent', 'unknown') AND action <> 'create_invoice'
), seen AS (
  SELECT o.*, c.licence_id AS seen_licence, c.count AS seen_count, c.is_active AS seen_active, l.line_id AS seen_line,
         l.qty_order AS seen_quantity, l.is_inactive AS seen_inactive,
         c.price AS seen_price, c.cost AS seen_cost, p.expect AS planned,
         try_cast(o."after" AS DECIMAL(28,10)) AS wanted, try_cast(o."before" AS DECIMAL(28,10)) AS had
  FROM open o
  LEFT JOIN staging.licences c ON c.licence_id = o.licence_id
  LEFT JOIN staging.recurring_invoice_lines l ON l.line_id = o.line_id
  LEFT JOIN billing.plan p ON p.plan_id = o.plan_id AND p.row_id = o.row_id
  -- What cannot be read proves neither that a write took effect nor that it did not.
  WHERE c.problem IS NULL AND l.problem IS NULL
)
SELECT * EXCLUDE (seen_licence, seen_count, seen_active, seen_line, seen_quantity, seen_inactive, seen_price, seen_cost, planned, wanted, had)
  REPLACE (NULL::VARCHAR AS before_state, CASE action
    WHEN 'set_licence_count' THEN CASE WHEN seen_count = wanted THEN 'verified' WHEN seen_count = had THEN 'failed' ELSE 'drifted' END
    WHEN 'set_line_quantity' THEN CASE WHEN seen_quantity = wanted THEN 'verified' WHEN seen_quantity = had THEN 'failed' ELSE 'drifted' END
    WHEN 'end_line' THEN CASE WHEN seen_inactive AND (licence_id IS NULL OR NOT seen_active) THEN 'verified'
                              WHEN seen_line IS NULL THEN 'drifted' ELSE 'failed' END
    WHEN 'end_licence' THEN CASE WHEN NOT seen_active AND seen_count = 0 THEN 'verified'
                                 WHEN seen_licence IS NULL THEN 'drifted' ELSE 'failed' END
    WHEN 'reopen_line' THEN CASE WHEN NOT seen_inactive AND (licence_id IS NULL OR seen_active) THEN 'verified'
                                 WHEN seen_line IS NULL THEN 'drifted' ELSE 'failed' END
    WHEN 'reopen_licence' THEN CASE WHEN seen_active THEN 'verified' WHEN seen_licence IS NULL THEN 'drifted' ELSE 'failed' END
    WHEN 'set_usage_licence' THEN CASE
      WHEN seen_count = 1 AND meta.same_money(seen_price, planned->>'$.price') AND meta.same_money(seen_cost, planned->>'$.unit_cost') THEN 'verified'
      WHEN seen_count::VARCHAR = planned->>'$.licence_count' AND meta.same_money(seen_price, planned->>'$.licence_price') THEN 'failed'
      ELSE 'drifted' END
    ELSE 'drifted' END AS state,
    'settled by reading: licence ' || coalesce(seen_count::VARCHAR, 'none') || CASE WHEN seen_active THEN ' active' ELSE ' inactive' END
      || CASE action WHEN 'set_usage_licence' THEN coalesce(', price ' || meta.plain(seen_price), '') ELSE '' END
      || ', line quantity ' || coalesce(seen_quantity::VARCHAR, 'none') || CASE WHEN seen_inactive THEN ' inactive' ELSE ' active' END AS detail)
FROM seen
UNION ALL BY NAME
SELECT o.* REPLACE (i.note AS before_state, i.state AS state, i.detail AS detail)
FROM settled_invoices i JOIN billing.ledger_state o ON o.plan_id = i.plan_id AND o.row_id = i.row_id;
